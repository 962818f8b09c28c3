import { backoffMs } from "../../lib/backoff.js";
import type { Clock } from "../../lib/clock.js";
import { assertNever, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import { boundLog, findHolder, lastLine, notePid, signalProcess, spawnEtcd } from "./etcd-process.js";
import { failuresAfterExit, nextStep, restartLimits, type Step } from "./supervision.js";

/** What a supervisor tends. */
export interface Supervised {
  readonly binary: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly pidFile: string;
}

/** Edges of a supervisor. */
export interface SupervisorDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

/**
 * Keeps one etcd running with the wanted arguments: adopts the one that runs already, starts one when there is none, again with growing
 * waits when it fails. Ending `run` leaves etcd running; `stop` ends it.
 */
export class EtcdSupervisor {
  private readonly supervised: Supervised;
  private readonly deps: SupervisorDeps;
  private wanted: readonly string[];
  private waking = new AbortController();
  private tended: { readonly pid: number; readonly sinceMs: number; readonly args: readonly string[] } | undefined;
  private failures = 0;
  private notBeforeMs = 0;
  private logCheckedAtMs = 0;

  constructor(supervised: Supervised, wanted: readonly string[], deps: SupervisorDeps) {
    this.supervised = supervised;
    this.wanted = wanted;
    this.deps = deps;
  }

  /** The process that is tended; undefined while none runs. */
  get pid(): number | undefined {
    return this.tended?.pid;
  }

  /** True while an etcd runs with the arguments that are wanted now. */
  get isAsWanted(): boolean {
    return this.tended?.args === this.wanted;
  }

  /** Changes the arguments; a running etcd is stopped gracefully and started with them. */
  want(args: readonly string[]): void {
    this.wanted = args;
    this.wake();
  }

  /** Tends etcd until the signal aborts; etcd then runs on. Rejects when something else holds the data directory. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = (): void => this.wake();
    signal.addEventListener("abort", wake, { once: true });
    while (!signal.aborted) {
      this.waking = new AbortController();
      await this.act(await this.observe(), signal);
      if (!signal.aborted) await this.deps.clock.sleep(limit("etcdPollMs"), this.waking.signal).catch(() => undefined);
    }
  }

  /** Stops etcd, gracefully at first. Call it after `run` has ended. */
  async stop(): Promise<void> {
    const holder = await findHolder(this.supervised.dataDir, this.supervised.pidFile);
    if (holder !== undefined) await this.end(holder.pid);
  }

  private async observe(): Promise<Step> {
    const { clock, log } = this.deps;
    const holder = await findHolder(this.supervised.dataDir, this.supervised.pidFile, this.tended?.pid);
    const nowMs = clock.monotonicMs();
    if (this.tended !== undefined && holder?.pid !== this.tended.pid) {
      const ranMs = nowMs - this.tended.sinceMs;
      this.failed(ranMs);
      const { logFile } = this.supervised;
      log.warn("etcd has ended", { pid: this.tended.pid, ranMs, logFile, lastLine: await lastLine(logFile) });
      this.tended = undefined;
    }
    const { wanted, notBeforeMs } = this;
    return nextStep({ holder, wanted, notBeforeMs, nowMs, tendedPid: this.tended?.pid });
  }

  private async act(step: Step, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    switch (step.do) {
      case "wait":
        return;
      case "keep":
        return this.boundLog();
      case "adopt":
        this.tended = { pid: step.pid, sinceMs: clock.monotonicMs(), args: this.wanted };
        log.info("etcd adopted", { pid: step.pid });
        return notePid(this.supervised.pidFile, step.pid);
      case "start":
        return this.start();
      case "replace":
        log.info("etcd restarts with other arguments", { pid: step.pid });
        this.tended = undefined;
        await this.end(step.pid);
        return this.act(signal.aborted ? { do: "wait" } : { do: "start" }, signal);
      case "refuse":
        throw new TallshipError(
          "failed_precondition",
          `run etcd on ${this.supervised.dataDir}: process ${step.pid} (${step.program}) holds it`,
        );
      default:
        return assertNever(step);
    }
  }

  private async start(): Promise<void> {
    const { clock, log } = this.deps;
    try {
      const args = this.wanted;
      const pid = await spawnEtcd({ ...this.supervised, args, onExit: () => this.wake() });
      this.tended = { pid, sinceMs: clock.monotonicMs(), args };
      log.info("etcd started", { pid, dataDir: this.supervised.dataDir });
    } catch (error) {
      this.failed(0);
      log.error("etcd cannot be started", { error });
    }
  }

  private failed(ranMs: number): void {
    const { clock, rng } = this.deps;
    this.failures = failuresAfterExit(this.failures, ranMs, limit("etcdRestartResetMs"));
    const bounds = { firstMs: limit("etcdRestartFirstMs"), maxMs: limit("etcdRestartMaxMs") };
    const waitMs = backoffMs(restartLimits(this.failures, bounds), this.failures - 2, rng);
    this.notBeforeMs = clock.monotonicMs() + waitMs;
  }

  /** SIGTERM, then SIGKILL when it does not go in time. */
  private async end(pid: number): Promise<void> {
    const { clock, log } = this.deps;
    const { dataDir, pidFile } = this.supervised;
    const never = new AbortController().signal;
    const cancelKill = clock.after(limit("etcdStopMs"), () => {
      log.warn("etcd did not stop in time and is killed", { pid });
      signalProcess(pid, "SIGKILL");
    });
    signalProcess(pid, "SIGTERM");
    while ((await findHolder(dataDir, pidFile))?.pid === pid) await clock.sleep(limit("etcdStopPollMs"), never);
    cancelKill();
    log.info("etcd stopped", { pid });
  }

  private async boundLog(): Promise<void> {
    const nowMs = this.deps.clock.monotonicMs();
    if (nowMs - this.logCheckedAtMs < limit("etcdLogCheckMs")) return;
    this.logCheckedAtMs = nowMs;
    await boundLog(this.supervised.logFile, limit("etcdLogBytes"));
  }

  private wake(): void {
    this.waking.abort();
  }
}
