import { keepsFiles } from "../kinds/power.js";
import type { SavedPod } from "./checkpoint/checkpoint.js";
import type { RootFsDriver } from "./image/images.js";
import type { ContainerLogs } from "./logs/container-logs.js";
import { parseContainerId, type Runtime } from "./runtime/runtime.js";
import type { PodDisk } from "./volume/pod-disk.js";

/** Where an agent that died may have left something. */
export interface TraceEdges {
  readonly runtime: Runtime;
  readonly rootfs: RootFsDriver;
  readonly disk: PodDisk;
  readonly logs: ContainerLogs;
}

/**
 * Pods of which anything is left on the node, whatever an agent that died was doing with them. Root file systems without a run go, but for those
 * that are to outlive their runs.
 */
export async function podTraces(
  { runtime, rootfs, disk, logs }: TraceEdges,
  links: readonly { readonly uid: string }[],
  saved: readonly SavedPod[],
): Promise<readonly string[]> {
  const runs = new Set((await runtime.list()).map(({ id }) => id));
  const lasting = new Set(
    saved.flatMap(({ record, pod }) => (pod !== undefined && keepsFiles(pod) ? [record.uid] : [])),
  );
  for (const id of await rootfs.list()) {
    const isKept = runs.has(id) || lasting.has(parseContainerId(id)?.podUid ?? "");
    if (!isKept) await rootfs.remove(id);
  }
  return [...links.map(({ uid }) => uid), ...(await runtime.pods()), ...disk.pods(), ...logs.pods()];
}
