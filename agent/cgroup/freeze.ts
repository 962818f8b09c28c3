// Edge: the control group file systems.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { readText } from "../../lib/read-text.js";
import type { Hierarchy } from "./hierarchies.js";

/** How often the kernel is asked whether all of a group stands still. */
const POLL_MS = 5;

/** The files of one group by which the kernel freezes it, in whichever version has them. */
interface Freezer {
  readonly file: string;
  readonly frozen: string;
  readonly thawed: string;
  /** True once every process stands still. */
  readonly isStill: () => boolean;
}

function freezerOf(hierarchies: readonly Hierarchy[], path: string): Freezer | undefined {
  const v1 = hierarchies.find(({ controllers }) => controllers.includes("freezer"));
  if (v1 !== undefined) {
    const file = join(v1.mountPoint, path, "freezer.state");
    return { file, frozen: "FROZEN", thawed: "THAWED", isStill: () => readText(file).trim() === "FROZEN" };
  }
  const unified = hierarchies.find(({ version }) => version === 2);
  if (unified === undefined) return undefined;
  const folder = join(unified.mountPoint, path);
  const isStill = (): boolean => /^frozen 1$/m.test(readText(join(folder, "cgroup.events")));
  return { file: join(folder, "cgroup.freeze"), frozen: "1", thawed: "0", isStill };
}

/** True when every process of the group stands still. */
export function isFrozen(hierarchies: readonly Hierarchy[], path: string): boolean {
  return freezerOf(hierarchies, path)?.isStill() === true;
}

/** Lets no process of the group run any more; resolves once none does. What cannot be stopped in time goes on, all of it: runtime_failed. */
export async function freeze(hierarchies: readonly Hierarchy[], path: string, clock: Clock): Promise<void> {
  const freezer = freezerOf(hierarchies, path);
  if (freezer === undefined) throw new TallshipError("not_supported", `freeze ${path}: this host has no freezer`);
  const untilMs = clock.monotonicMs() + limit("freezeWaitMs");
  const never = new AbortController().signal;
  write(freezer, freezer.frozen);
  while (!freezer.isStill()) {
    if (clock.monotonicMs() > untilMs) {
      write(freezer, freezer.thawed);
      throw new TallshipError("runtime_failed", `freeze ${path}: a process does not stand still`);
    }
    await clock.sleep(POLL_MS, never);
  }
}

/** Lets the processes of the group run; nothing when it is gone. */
export function thaw(hierarchies: readonly Hierarchy[], path: string): void {
  const freezer = freezerOf(hierarchies, path);
  if (freezer !== undefined && readText(freezer.file) !== "") write(freezer, freezer.thawed);
}

/** The same for a group and all groups below it: what is frozen does not die of a signal. */
export function thawAll(hierarchies: readonly Hierarchy[], path: string): void {
  thaw(hierarchies, path);
  const folders = new Set(hierarchies.flatMap(({ mountPoint }) => foldersIn(join(mountPoint, path))));
  for (const name of folders) thawAll(hierarchies, `${path}/${name}`);
}

function write({ file }: Freezer, word: string): void {
  try {
    writeFileSync(file, word);
  } catch (cause) {
    throw asTallshipError(cause, "runtime_failed");
  }
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return []; // There is no such group in this hierarchy.
  }
}
