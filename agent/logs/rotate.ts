// Edge: renames and removes log files.
import { statSync } from "node:fs";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
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

/**
 * Moves each file one place back; the oldest goes. A file that is not there is skipped. Of a log that grew past its limit before anybody looked, fewer files are
 * kept: together they take what they would if each had just its size, but for the newest, which stays.
 */
async function shift(path: string): Promise<void> {
  const last = limit("logFiles") - 1;
  const sizes: number[] = [];
  for (let age = 0; age < last; age += 1) sizes.push(await sizeOf(rotatedPath(path, age)));
  const keptBytes = (age: number): number => sizes.slice(0, age + 1).reduce((sum, size) => sum + size, 0);
  const mostBytes = last * limit("logFileBytes");
  await rm(rotatedPath(path, last), { force: true });
  for (let age = last - 1; age >= 0; age -= 1) {
    const from = rotatedPath(path, age);
    if (sizes[age] === 0) continue;
    if (age > 0 && keptBytes(age) > mostBytes) await rm(from, { force: true });
    else await rename(from, rotatedPath(path, age + 1));
  }
}

/** Removes all logs of a pod. */
export async function removePodLogs(dataDir: string, podUid: string): Promise<void> {
  await rm(podLogFolder(dataDir, podUid), { recursive: true, force: true });
}

/** Removes what is left of a container's runs before the last one before this: as in Kubernetes the logs of two runs are kept. */
export async function removeOldRuns(dataDir: string, key: LogKey): Promise<void> {
  const folder = dirname(logPath(dataDir, key));
  const names = await readdir(folder).catch(() => []); // It has never written.
  for (const name of names)
    if (Number.parseInt(name, 10) < key.attempt - 1) await rm(join(folder, name), { force: true });
}
