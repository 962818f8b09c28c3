import { join } from "node:path";

/** One run of a container, as far as its log is concerned. */
export interface LogKey {
  readonly podUid: string;
  readonly container: string;
  readonly attempt: number;
}

/** Folder of all logs of a pod. */
export function podLogFolder(dataDir: string, podUid: string): string {
  return join(dataDir, "logs", podUid);
}

/** File that receives what a run writes. */
export function logPath(dataDir: string, key: LogKey): string {
  return join(podLogFolder(dataDir, key.podUid), key.container, `${key.attempt}.log`);
}

/** Name of a log after it was rotated this many times; 0 is the one being written. */
export function rotatedPath(path: string, age: number): string {
  return age === 0 ? path : `${path}.${age}`;
}
