import { jobEnd } from "../../../kinds/job-state.js";
import { keyOf, metaOf, type Typed } from "../../../kinds/object.js";
import { isPodFinished } from "../../../kinds/pod-state.js";
import { podTrouble } from "../../../kinds/pod-trouble.js";
import { startWaits } from "../../../kinds/start-after.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Job } from "../../../proto/gen/tallship/v1/job.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { joinContainer } from "../../containers/attach.js";
import { queriesOf } from "../../delete/gone.js";
import { EXIT } from "../../exit-codes.js";
import { LineWriter } from "../../logs/line-writer.js";
import { printLog } from "../../logs/stream.js";
import { type Started, startedState } from "../../run/started.js";
import type { Shell } from "../../shell.js";
import { watchUntil } from "../../wait/until.js";
import { PROJECT_LABEL } from "../translate/names.js";
import { type LiveProject, removeAll } from "./live.js";

/**
 * Prints what a pod that runs once writes until it has ended, and returns its exit code. The user's interrupt removes it, as it would stop docker's
 * container; so does its end when `isRemoved` says so.
 */
export function followOneOff(live: LiveProject, pod: Typed, isRemoved: boolean): Promise<number> {
  return new OneOff(live, pod, isRemoved).follow();
}

/** A pod in the foreground. */
class OneOff {
  private readonly live: LiveProject;
  private readonly pod: Typed;
  private readonly isRemoved: boolean;
  private told = "";
  /** What it starts after will never be there. */
  private isHopeless = false;

  constructor(live: LiveProject, pod: Typed, isRemoved: boolean) {
    this.live = live;
    this.pod = pod;
    this.isRemoved = isRemoved;
  }

  async follow(): Promise<number> {
    const { shell } = this.live;
    try {
      const started = await this.waitFor(hasStarted);
      const state = startedState(started);
      if (state.is === "failed") return await this.refuse(started, state);
      if (!isPodFinished(started)) await this.join(started);
      else await this.printAll(started);
      return exitCodeOf(await this.waitFor(isPodFinished));
    } catch (error) {
      if (shell.signal.aborted || this.isHopeless) await this.remove();
      if (shell.signal.aborted) return EXIT.interrupted;
      throw error;
    } finally {
      if (this.isRemoved && !shell.signal.aborted) await this.remove();
    }
  }

  /** As docker: what cannot start is not left behind. */
  private async refuse(pod: Pod, { why, exitCode }: Extract<Started, { readonly is: "failed" }>): Promise<number> {
    const { name } = metaOf(pod);
    await this.live.shell.stderr.write(`error: ${name} did not start: ${why}\n`);
    if (!this.isRemoved) await this.remove();
    return exitCode;
  }

  /** What it writes comes here and what the user types goes there, until it ends or the user leaves. */
  private async join(pod: Pod): Promise<void> {
    const { shell, cluster } = this.live;
    const container = pod.spec?.containers[0]?.name ?? "";
    await joinContainer(cluster, shell, { pod, container }, { hasStdin: true, isFromStart: true });
  }

  /** What it wrote, when it has ended before anybody could join it. */
  private async printAll(pod: Pod): Promise<void> {
    const { shell, cluster } = this.live;
    const options = { ...{ follow: false, tailLines: undefined, sinceTime: "" }, timestamps: false, previous: false };
    const parts = {
      cluster,
      shell,
      writer: new LineWriter(shell.stdout, false),
      options: { ...options, limitBytes: 0 },
    };
    await printLog(parts, pod, pod.spec?.containers[0]?.name ?? "");
  }

  /** The pod once `isThere` holds; what keeps it from running is told, each reason once. */
  private async waitFor(isThere: (pod: Pod) => boolean): Promise<Pod> {
    const { shell, cluster } = this.live;
    let found: Pod | undefined;
    let latest: Pod | undefined;
    const key = keyOf(this.pod);
    const tasks = { kind: "Job", namespace: key.namespace, labels: `${PROJECT_LABEL}=${this.live.name}` } as const;
    const failed = new Map<string, string>();
    await watchUntil({ shell, cluster, timeoutMs: undefined }, [...queriesOf([key]), tasks], async ({ changes }) => {
      for (const change of changes) {
        if (change.is === "put" && change.typed.kind === "Job") noteTask(failed, change.typed.object);
        if (change.is === "delete" && change.key.kind === "Job") {
          failed.delete(change.key.name);
          continue;
        }
        if (change.is === "delete") throw new TallshipError("not_found", `pod ${key.name} was deleted before it ended`);
        if (change.typed.kind !== "Pod") continue;
        if (isThere(change.typed.object)) found = change.typed.object;
        else await this.tellTrouble(change.typed.object);
        latest = change.typed.object;
      }
      const broken = found === undefined && latest !== undefined ? brokenWait(latest, failed) : undefined;
      this.isHopeless = broken !== undefined;
      if (broken !== undefined) throw new TallshipError("failed_precondition", broken);
      return found !== undefined;
    });
    if (found === undefined) throw new TallshipError("cancelled", "interrupted");
    return found;
  }

  private async tellTrouble(pod: Pod): Promise<void> {
    const trouble = podTrouble(pod) ?? this.told;
    if (trouble === this.told) return;
    this.told = trouble;
    await this.live.shell.stderr.write(`waiting: ${trouble}\n`);
  }

  private async remove(): Promise<void> {
    // The interrupt has ended what was under way; removing goes on without it.
    const shell: Shell = {
      ...this.live.shell,
      signal: new AbortController().signal,
      stderr: { isTerminal: false, write: async () => undefined },
    };
    await removeAll({ ...this.live, shell }, [this.pod], undefined);
  }
}

/** Tasks that have failed, by their names, and why. */
function noteTask(failed: Map<string, string>, job: Job): void {
  const end = jobEnd(job);
  if (end?.type === "Failed") failed.set(metaOf(job).name, end.message);
  else failed.delete(metaOf(job).name);
}

/** What starts after a task that has failed never starts. */
function brokenWait(pod: Pod, failed: ReadonlyMap<string, string>): string | undefined {
  const broken = startWaits(pod).find(
    ({ name, condition, isOptional }) => condition === "completed" && !isOptional && failed.has(name),
  );
  if (broken === undefined) return undefined;
  const why = `service ${broken.name} did not complete successfully: ${failed.get(broken.name)}`;
  return `dependency failed to start: ${why}`;
}

/** Or is known not to. */
function hasStarted(pod: Pod): boolean {
  return isPodFinished(pod) || startedState(pod).is !== "waiting";
}

function exitCodeOf({ metadata, status }: Pod): number {
  const { terminated } = status?.containerStatuses[0]?.state ?? {};
  if (terminated !== undefined) return terminated.exitCode;
  const why = status?.message || status?.reason || "no container has run";
  throw new TallshipError("failed_precondition", `pod ${metadata?.name} has ended without an exit code: ${why}`);
}
