import { type ContainerKey, containerId } from "../runtime.js";

/** Where the driver keeps its files; all below the run folder, so that a reboot clears them. */
export interface DriverPaths {
  readonly runDir: string;
}

/** Folder of a pod. */
export function podFolder({ runDir }: DriverPaths, podUid: string): string {
  return `${runDir}/pods/${podUid}`;
}

/** Folder in which a pod's shared namespaces are pinned. */
export function sharedFolder(paths: DriverPaths, podUid: string): string {
  return `${podFolder(paths, podUid)}/shared`;
}

/** Folder that holds one folder per run of a pod. */
export function runsFolder(paths: DriverPaths, podUid: string): string {
  return `${podFolder(paths, podUid)}/runs`;
}

/** Folder of a run: the OCI bundle, and what conmon writes. */
export function bundleFolder(paths: DriverPaths, { podUid, container, attempt }: ContainerKey): string {
  return `${runsFolder(paths, podUid)}/${container}.${attempt}`;
}

/** The run that a folder's name stands for; undefined when it is none. */
export function parseBundleName(podUid: string, name: string): ContainerKey | undefined {
  const match = /^([a-z0-9-]+)\.(\d+)$/.exec(name);
  return match === null ? undefined : { podUid, container: match[1] ?? "", attempt: Number(match[2]) };
}

/** Folder in which conmon leaves each run's exit code. */
export function exitFolder({ runDir }: DriverPaths): string {
  return `${runDir}/exits`;
}

/** File with a run's exit code. */
export function exitFile(paths: DriverPaths, key: ContainerKey): string {
  return `${exitFolder(paths)}/${containerId(key)}`;
}

/** Folder in which conmon links its sockets. */
export function socketFolder({ runDir }: DriverPaths): string {
  return `${runDir}/sockets`;
}

/** Root of the runtime's own state. */
export function runtimeRoot({ runDir }: DriverPaths): string {
  return `${runDir}/runtime`;
}

/**
 * Where the root file system of a run in a user namespace is mounted. The runtime looks at it with the ids that root has in there, to which the folders
 * that root file systems are made in are closed; the folder above it is open to that root and to nobody else.
 */
export function mappedRootFolder({ runDir }: DriverPaths, key: ContainerKey): string {
  return `${mappedRoots({ runDir })}/${containerId(key)}/root`;
}

/** Folder in which those are. */
export function mappedRoots({ runDir }: DriverPaths): string {
  return `${runDir}/roots`;
}

/** Folder of the runtime's own state of a run. */
export function runtimeState(paths: DriverPaths, key: ContainerKey): string {
  return `${runtimeRoot(paths)}/${containerId(key)}`;
}
