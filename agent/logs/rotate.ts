// Edge: renames and removes log files.
import { linkSync, statSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { limit } from "../../lib/limits.js";
import { type LogKey, logPath, rotatedPath } from "./log-path.js";

/** Has a run's log opened anew under its name. */
export type ReopenLog = (key: LogKey) => Promise<void>;

/** A run's present log. */
export interface LogLook {
  readonly sizeBytes: number;
  /** Another number is another file; 0 before the run has written. */
  readonly inode: number;
}

const NO_FILE: LogLook = { sizeBytes: 0, inode: 0 };

/** Rotates a run's log. Nothing is lost: the writer goes on in the renamed file until it has opened the new one. */
export async function rotateLog(dataDir: string, key: LogKey, reopen: ReopenLog): Promise<void> {
  const path = logPath(dataDir, key);
  await shift(path, 0);
  await settleHeld(path, 2);
  await reopen(key);
  // While the new file is not held, its writer may throw it away: the next look would be too late in a flood.
  for (let tries = 0; tries < REOPEN_TRIES && lookAt(path).inode === 0; tries += 1) await sleep(1);
  holdNow(path);
}

/** How many milliseconds a writer has to open its file anew; a later one is found by the next look. */
const REOPEN_TRIES = 20;

/** At once, without a turn of the loop between looking and holding. A file that is not there is not held. */
function holdNow(path: string): void {
  try {
    linkSync(path, heldPath(path));
  } catch {
    return; // It was replaced just now, or is held: the next look sees to it.
  }
}

/** What is held and is no rotated file yet was thrown away by the monitor: it becomes the file of this age, older than those before it. */
async function settleHeld(path: string, age: number): Promise<void> {
  const held = heldPath(path);
  const { inode } = lookAt(held);
  if (inode !== 0 && inode !== lookAt(rotatedPath(path, 1)).inode) {
    await shift(path, age);
    await rename(held, rotatedPath(path, age));
  }
  await rm(held, { force: true });
}

/**
 * Holds a run's present log under a second name. After each limits.logRunawayBytes that it has written, whatever was rotated meanwhile, the run's monitor
 * replaces its file by an empty one: the disk is bounded also while no agent is there. What it throws away is still held, and becomes a rotated file here.
 */
export async function holdLog(dataDir: string, key: LogKey): Promise<void> {
  const path = logPath(dataDir, key);
  const held = heldPath(path);
  const now = lookAt(path).inode;
  if (now === 0 || lookAt(held).inode === now) return;
  await settleHeld(path, 1);
  holdNow(path);
}

/** Size and identity of the log at this path. */
export function lookAt(path: string): LogLook {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? NO_FILE : { sizeBytes: found.size, inode: found.ino };
}

function heldPath(path: string): string {
  return `${path}.held`;
}

/**
 * Moves each file from this age on one place back; the oldest goes. A file that is not there is skipped. Of a log that grew past its limit before anybody looked, fewer files are
 * kept: together they take what they would if each had just its size, but for the newest, which stays.
 */
async function shift(path: string, youngest: number): Promise<void> {
  const last = limit("logFiles") - 1;
  const sizes = Array.from({ length: last }, (_, age) => lookAt(rotatedPath(path, age)).sizeBytes);
  const keptBytes = (age: number): number => sizes.slice(0, age + 1).reduce((sum, size) => sum + size, 0);
  const mostBytes = last * limit("logFileBytes");
  await rm(rotatedPath(path, last), { force: true });
  for (let age = last - 1; age >= youngest; age -= 1) {
    const from = rotatedPath(path, age);
    if (sizes[age] === 0) continue;
    if (age > 0 && keptBytes(age) > mostBytes) await rm(from, { force: true });
    else await rename(from, rotatedPath(path, age + 1));
  }
}

/** Removes what is left of a container's runs before the last one before this: as in Kubernetes the logs of two runs are kept. */
export async function removeOldRuns(dataDir: string, key: LogKey): Promise<void> {
  if (key.attempt < 2) return;
  const folder = dirname(logPath(dataDir, key));
  const names = await readdir(folder).catch(() => []); // It has never written.
  for (const name of names)
    if (Number.parseInt(name, 10) < key.attempt - 1) await rm(join(folder, name), { force: true });
}
