import { asTallshipError } from "../../lib/errors.js";
import type { ContainerStatus, Pod } from "../../proto/gen/tallship/v1/pod.js";
import { EXIT } from "../exit-codes.js";
import type { Query } from "../objects.js";
import { watchObjects } from "../watch.js";
import { type LogOptions, type LogRun, printLog } from "./stream.js";

/**
 * Follows the logs of every pod that the query finds, run after run of its containers, also of pods that come later, until the user
 * interrupts. What is there at the start is shown as the options say; what starts later is shown whole.
 */
export async function followPods(run: LogRun, query: Query, choose: (pod: Pod) => readonly string[]): Promise<number> {
  const follower = new Follower(run, choose);
  for await (const { changes, isSynced } of watchObjects(run.cluster, [query], run.shell)) {
    for (const change of changes)
      if (change.is === "put" && change.typed.kind === "Pod") follower.look(change.typed.object);
    follower.isStarted ||= isSynced;
  }
  return EXIT.interrupted;
}

/** Knows which runs are followed, so that each is once. */
class Follower {
  /** What was there at the start has been seen. */
  isStarted = false;
  private readonly run: LogRun;
  private readonly choose: (pod: Pod) => readonly string[];
  private readonly followed = new Set<string>();
  /** Where a log that broke off is taken up, RFC 3339. */
  private readonly brokenAt = new Map<string, string>();

  constructor(run: LogRun, choose: (pod: Pod) => readonly string[]) {
    this.run = run;
    this.choose = choose;
  }

  look(pod: Pod): void {
    for (const container of this.choose(pod)) {
      const status = pod.status?.containerStatuses.find(({ name }) => name === container);
      if (status !== undefined && hasStarted(status)) this.follow(pod, container, status.restartCount);
    }
  }

  private follow(pod: Pod, container: string, restartCount: number): void {
    const log = `${pod.metadata?.uid}/${container}/${restartCount}`;
    if (this.followed.has(log)) return;
    this.followed.add(log);
    printLog({ ...this.run, options: this.optionsFor(log) }, pod, container).catch(async (failure: unknown) => {
      const { shell } = this.run;
      if (shell.signal.aborted) return;
      // Taken up at the pod's next change.
      this.followed.delete(log);
      this.brokenAt.set(log, new Date(shell.clock.nowMs()).toISOString());
      await shell.stderr.write(`[pod/${pod.metadata?.name}/${container}] ${asTallshipError(failure).message}\n`);
    });
  }

  private optionsFor(log: string): LogOptions {
    const { options } = this.run;
    const sinceTime = this.brokenAt.get(log);
    if (sinceTime !== undefined) return { ...options, previous: false, tailLines: undefined, sinceTime };
    return this.isStarted ? { ...options, previous: false, tailLines: undefined, sinceTime: "" } : options;
  }
}

function hasStarted({ state, restartCount }: ContainerStatus): boolean {
  return state?.running !== undefined || state?.terminated !== undefined || restartCount > 0;
}
