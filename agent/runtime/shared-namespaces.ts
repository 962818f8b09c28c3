import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { PodUsers } from "../userns/pod-users.js";

/** The namespaces that the containers of a pod have together, and the folder in which they are pinned. */
export interface SharedNamespaces {
  readonly folder: string;
  /** System V IPC, message queues and /dev/shm. */
  readonly hasIpc: boolean;
  /** Process ids. */
  readonly hasPids: boolean;
  /** The user namespace that they belong to; undefined: the host's. */
  readonly users?: PodUsers | undefined;
}

/** Bytes of /dev/shm, as in Kubernetes and Docker; who needs more mounts a volume of memory there. */
export const SHM_BYTES = 67_108_864;

/**
 * What a pod's containers share; undefined when each has its own. A pod of one container is spared the work: nobody is there to share with.
 */
export function sharedNamespaces(
  { spec }: Pod,
  folder: string,
  users?: PodUsers | undefined,
): SharedNamespaces | undefined {
  const { initContainers = [], containers = [], hostIPC, hostPID, shareProcessNamespace } = spec ?? {};
  const hasIpc = hostIPC !== true && initContainers.length + containers.length > 1;
  const hasPids = hostPID !== true && shareProcessNamespace === true;
  return hasIpc || hasPids ? { folder, hasIpc, hasPids, users } : undefined;
}

/** Where they are pinned, and the folder that is /dev/shm. */
export function sharedPaths({ folder }: SharedNamespaces): { readonly [K in "ipc" | "pid" | "shm"]: string } {
  return { ipc: `${folder}/ipc`, pid: `${folder}/pid`, shm: `${folder}/shm` };
}
