import { isPodFinished } from "../../kinds/pod-state.js";
import { asTallshipError } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { EXIT } from "../exit-codes.js";
import type { Query } from "../objects.js";
import { watchObjects } from "../watch.js";
import { type LogRun, printLog } from "./stream.js";

/** Follows the logs of every pod that the query finds, also of those that come later, until the user interrupts. */
export async function followPods(run: LogRun, query: Query, choose: (pod: Pod) => readonly string[]): Promise<number> {
  const followed = new Set<string>();
  for await (const { changes } of watchObjects(run.cluster, [query], run.shell)) {
    for (const change of changes) {
      if (change.is !== "put" || change.typed.kind !== "Pod") continue;
      const pod = change.typed.object;
      for (const container of choose(pod)) follow(run, pod, container, followed);
    }
  }
  return EXIT.interrupted;
}

/** Starts to follow a container once it has something to tell; a log that breaks off is taken up at the pod's next change. */
function follow(run: LogRun, pod: Pod, container: string, followed: Set<string>): void {
  const log = `${pod.metadata?.uid}/${container}`;
  if (followed.has(log) || !hasStarted(pod, container)) return;
  followed.add(log);
  printLog(run, pod, container).catch(async (failure: unknown) => {
    if (run.shell.signal.aborted) return;
    if (!isPodFinished(pod)) followed.delete(log);
    const { message } = asTallshipError(failure);
    await run.shell.stderr.write(`[pod/${pod.metadata?.name}/${container}] ${message}\n`);
  });
}

function hasStarted(pod: Pod, container: string): boolean {
  const status = pod.status?.containerStatuses.find(({ name }) => name === container);
  const { running, terminated } = status?.state ?? {};
  return running !== undefined || terminated !== undefined || (status?.restartCount ?? 0) > 0;
}
