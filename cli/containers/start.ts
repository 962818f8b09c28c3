import { type ClusterFlags, withCluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { exitOf, joinContainer } from "./attach.js";
import { findContainer } from "./find.js";
import { eachContainer, type PowerCall, startPod, stopPod } from "./power.js";

/** What `start` was asked. */
export interface StartFlags extends ClusterFlags {
  readonly attach: boolean;
  readonly interactive: boolean;
}

/** Starts what has ended or was stopped; what runs goes on. Waits until it runs; attached, until it has ended, with its exit code. */
export function runStart(call: PowerCall<StartFlags>, shell: Shell): Promise<number> {
  const { attach, interactive } = call.flags;
  if (!attach && !interactive) return eachContainer(call, shell, (run, { pod }) => startPod(run, pod));
  const [word, ...others] = call.operands;
  if (word === undefined || others.length > 0) throw usageError("attach to one container at a time");
  return withCluster(shell, call.flags, async (cluster) => {
    const found = await findContainer(cluster, word, shell.signal);
    const calm = { ...shell, signal: new AbortController().signal };
    await startPod({ shell, cluster }, found.pod);
    const end = await joinContainer(cluster, shell, found, {
      hasStdin: interactive,
      isFromStart: true,
      onInterrupt: () => void stopPod({ shell: calm, cluster }, found.pod, undefined).catch(() => undefined),
    });
    return exitOf(found, end);
  });
}
