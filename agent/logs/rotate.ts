// Edge: renames and removes log files.
import { statSync } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { limit } from "../../lib/limits.js";
import { type LogKey, logPath, podLogFolder, rotatedPath } from "./log-path.js";

/** Has a run's log opened anew under its name. */
export type ReopenLog = (key: LogKey) => Promise<void>;

/** Rotates a run's log. Nothing is lost: the writer goes on in the renamed file until it has opened the new one. */
export async function rotateLog(dataDir: string, key: LogKey, reopen: ReopenLog): Promise<void> {
  await shift(logPath(dataDir, key));
  await reopen(key);
}

/** Size of a run's present log in bytes; 0 before it has written. */
export function logSize(dataDir: string, key: LogKey): number {
  return statSync(logPath(dataDir, key), { throwIfNoEntry: false })?.size ?? 0;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0; // A run that has not written yet has no file.
  }
}

/** Moves each file one place back; the oldest is overwritten. A file that is not there is skipped. */
async function shift(path: string): Promise<void> {
  for (let age = limit("logFiles") - 1; age > 0; age -= 1) {
    const from = rotatedPath(path, age - 1);
    if ((await sizeOf(from)) > 0) await rename(from, rotatedPath(path, age));
  }
}

/** Removes all logs of a pod. */
export async function removePodLogs(dataDir: string, podUid: string): Promise<void> {
  await rm(podLogFolder(dataDir, podUid), { recursive: true, force: true });
}

/** Removes the logs of one run. */
export async function removeRunLogs(dataDir: string, key: LogKey): Promise<void> {
  for (let age = 0; age < limit("logFiles"); age += 1)
    await rm(rotatedPath(logPath(dataDir, key), age), { force: true });
}
