import type { Cancel, Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { Rng } from "../../lib/rng.js";
import { type Check, type CheckResult, checkId, type PerformCheck } from "./check.js";
import { type Count, countResult, NO_RESULTS } from "./count.js";

/** What a runner needs. */
export interface CheckRunnerOptions {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly perform: PerformCheck;
  /** Enough results in a row agree; called again while they do. */
  readonly onVerdict: (podUid: string, check: Check, isPassed: boolean) => void;
  /** A check has not passed; not more often than limits.checkNoticeMs while the same goes wrong. */
  readonly onFailure: (podUid: string, check: Check, message: string) => void;
}

interface Watch {
  check: Check;
  readonly abort: AbortController;
  cancelNext: Cancel | undefined;
  count: Count;
  told: { readonly message: string; readonly atMs: number } | undefined;
}

/**
 * Carries out the checks that the plan asks for, each at its own times. Level-triggered: what is no longer asked for ends, what is asked for
 * and does not go on begins, also in an agent that was restarted. Nothing waits for it: its verdicts are remembered and mark the pod.
 */
export class CheckRunner {
  private readonly options: CheckRunnerOptions;
  private readonly watches = new Map<string, Map<string, Watch>>();

  constructor(options: CheckRunnerOptions) {
    this.options = options;
  }

  /** The checks of a pod from now on. */
  set(podUid: string, checks: readonly Check[]): void {
    const watches = this.watches.get(podUid);
    if (watches === undefined && checks.length === 0) return;
    const current = watches ?? new Map<string, Watch>();
    const wanted = new Map(checks.map((check) => [checkId(check), check]));
    for (const [id, watch] of current) {
      const check = wanted.get(id);
      if (check !== undefined) watch.check = check;
      else this.end(current, id, watch);
    }
    if (checks.length > 0) this.watches.set(podUid, current);
    else this.watches.delete(podUid);
    for (const [id, check] of wanted) if (!current.has(id)) this.begin(podUid, current, check);
  }

  /** Ends everything; nothing more is called. */
  close(): void {
    for (const [podUid] of this.watches) this.set(podUid, []);
  }

  private begin(podUid: string, watches: Map<string, Watch>, check: Check): void {
    const abort = new AbortController();
    const watch: Watch = { check, abort, cancelNext: undefined, count: NO_RESULTS, told: undefined };
    watches.set(checkId(check), watch);
    this.schedule(podUid, watch, this.firstDelayMs(check));
  }

  /** At its time; a check whose time is long past is one that a restarted agent takes up: those are spread, so that not all come at once. */
  private firstDelayMs({ timing: { firstAtMs, periodMs } }: Check): number {
    const { clock, rng } = this.options;
    const delayMs = firstAtMs - clock.nowMs();
    if (delayMs > 0 || periodMs === undefined) return Math.max(0, delayMs);
    return -delayMs > periodMs ? rng.float() * periodMs : 0;
  }

  private end(watches: Map<string, Watch>, id: string, watch: Watch): void {
    watches.delete(id);
    watch.cancelNext?.();
    watch.abort.abort();
  }

  private schedule(podUid: string, watch: Watch, delayMs: number): void {
    watch.cancelNext = this.options.clock.after(delayMs, () => void this.once(podUid, watch));
  }

  private async once(podUid: string, watch: Watch): Promise<void> {
    const { clock } = this.options;
    const startedMs = clock.monotonicMs();
    const { isPassed, message } = await this.perform(podUid, watch);
    const { check, abort } = watch;
    if (abort.signal.aborted) return;
    const { count, verdict } = countResult(watch.count, isPassed, check.timing);
    watch.count = count;
    const { periodMs } = check.timing;
    if (periodMs !== undefined) this.schedule(podUid, watch, Math.max(0, startedMs + periodMs - clock.monotonicMs()));
    if (isPassed) watch.told = undefined;
    else this.tell(podUid, watch, message);
    if (verdict !== undefined) this.options.onVerdict(podUid, check, verdict);
  }

  private tell(podUid: string, watch: Watch, message: string): void {
    const { clock, onFailure } = this.options;
    const nowMs = clock.monotonicMs();
    const { told } = watch;
    const spacingMs = told?.message === message ? limit("checkNoticeMs") : limit("checkNoticeMinMs");
    if (told !== undefined && nowMs - told.atMs < spacingMs) return;
    watch.told = { message, atMs: nowMs };
    onFailure(podUid, watch.check, message);
  }

  /** One result, within the check's timeout whatever the edge does. */
  private perform(podUid: string, { check, abort }: Watch): Promise<CheckResult> {
    const { clock, perform } = this.options;
    const { target, timing } = check;
    if (target.is === "impossible") return Promise.resolve({ isPassed: false, message: target.message });
    const once = new AbortController();
    const give = (): void => once.abort();
    if (abort.signal.aborted) give();
    else abort.signal.addEventListener("abort", give, { once: true });
    return new Promise<CheckResult>((resolve) => {
      const isWhole = target.is === "sleep" && target.ms <= timing.timeoutMs;
      const cancel = clock.after(target.is === "sleep" ? Math.min(target.ms, timing.timeoutMs) : timing.timeoutMs, () =>
        resolve(isWhole ? { isPassed: true, message: "" } : { isPassed: false, message: timedOut(check) }),
      );
      if (target.is !== "sleep") void perform(podUid, check, once.signal).then(resolve);
      once.signal.addEventListener("abort", cancel, { once: true });
    }).finally(() => {
      abort.signal.removeEventListener("abort", give);
      give();
    });
  }
}

function timedOut({ target, timing }: Check): string {
  const what = target.is === "exec" ? `command ${JSON.stringify(target.command.join(" "))} ` : "";
  return `${what}timed out after ${timing.timeoutMs / 1000}s`;
}
