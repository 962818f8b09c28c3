// Edge: the control group file systems.
import { readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readText } from "../../lib/read-text.js";
import { type Hierarchy, parseHierarchies } from "./hierarchies.js";

/** The hierarchies that this process sees. */
export function mountedHierarchies(): readonly Hierarchy[] {
  return parseHierarchies(readFileSync("/proc/self/mountinfo", "utf8"));
}

/**
 * Removes a control group and those below it in every hierarchy; groups that are gone already are no error. Returns false when a process
 * still is in one of them.
 */
export function removeCgroup(hierarchies: readonly Hierarchy[], path: string): boolean {
  return hierarchies.map(({ mountPoint }) => removeBelow(join(mountPoint, path))).every((isGone) => isGone);
}

/** Uids of pods that have a group in any hierarchy; `prefix` is what their groups' paths have before the uid. */
export function podsWithGroups(hierarchies: readonly Hierarchy[], prefix: string): readonly string[] {
  const [folder, name] = [dirname(prefix), basename(prefix)];
  const names = hierarchies.flatMap(({ mountPoint }) => foldersIn(join(mountPoint, folder)));
  return [...new Set(names)].filter((one) => one.startsWith(name)).map((one) => one.slice(name.length));
}

/** Bounds the processes of all that is in a group, however many containers and commands there are. Nothing where nobody counts them. */
export function limitProcesses(hierarchies: readonly Hierarchy[], path: string, count: number): void {
  for (const { mountPoint } of hierarchies) {
    const file = join(mountPoint, path, "pids.max");
    if (readText(file) !== "") writeFileSync(file, `${count}`);
  }
}

/** How many processes are in a group and those below it, and how many may be: infinity where nobody bounds them. Undefined where nobody counts them. */
export function boundedProcesses(
  hierarchies: readonly Hierarchy[],
  path: string,
): { readonly count: number; readonly most: () => number } | undefined {
  for (const { version, controllers, mountPoint } of hierarchies) {
    if (version !== 2 && !controllers.includes("pids")) continue;
    const count = readText(join(mountPoint, path, "pids.current")).trim();
    if (count !== "") return { count: Number(count), most: () => boundAt(join(mountPoint, path, "pids.max")) };
  }
  return undefined;
}

function boundAt(file: string): number {
  const most = readText(file).trim();
  return /^\d+$/.test(most) ? Number(most) : Number.POSITIVE_INFINITY;
}

function foldersIn(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return []; // No pod had a group there yet.
  }
}

function removeBelow(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return true;
  }
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) removeBelow(join(folder, entry.name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    return codeOf(error) === "ENOENT";
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** What a control group has used. Absent files, as of a controller that is not mounted, count as 0. */
export interface CgroupUsage {
  readonly cpuMicroseconds: number;
  readonly throttledMicroseconds: number;
  readonly memoryBytes: number;
  readonly oomCount: number;
  readonly pidCount: number;
  /** 0: no limit. */
  readonly memoryLimitBytes: number;
  /** From and to block devices. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** Reads what a group has used, from whichever version has the controller. */
export function readUsage(hierarchies: readonly Hierarchy[], path: string): CgroupUsage {
  const unified = hierarchies.find(({ version }) => version === 2);
  const v1 = (controller: string): string | undefined => {
    const found = hierarchies.find(({ controllers }) => controllers.includes(controller));
    return found === undefined ? undefined : join(found.mountPoint, path);
  };
  if (v1("memory") === undefined && unified !== undefined) return usageV2(join(unified.mountPoint, path));
  return usageV1({
    ...{ cpu: v1("cpu"), cpuacct: v1("cpuacct"), memory: v1("memory"), pids: v1("pids") },
    blkio: v1("blkio"),
  });
}

function usageV2(folder: string): CgroupUsage {
  const cpu = readPairs(join(folder, "cpu.stat"));
  return {
    cpuMicroseconds: cpu.get("usage_usec") ?? 0,
    throttledMicroseconds: cpu.get("throttled_usec") ?? 0,
    memoryBytes: memoryUsedV2(folder),
    oomCount: readPairs(join(folder, "memory.events")).get("oom_kill") ?? 0,
    pidCount: readNumber(join(folder, "pids.current")),
    memoryLimitBytes: memoryLimitV2(folder),
    ...ioV2(readText(join(folder, "io.stat"))),
  };
}

/** How much memory a group may have, and how much it uses, which is read only when it is asked for. Undefined where nobody bounds it. */
export function boundedMemory(
  hierarchies: readonly Hierarchy[],
  path: string,
): { readonly limitBytes: number; readonly usedBytes: () => number } | undefined {
  const v1 = hierarchies.find(({ controllers }) => controllers.includes("memory"));
  const found = v1 ?? hierarchies.find(({ version }) => version === 2);
  if (found === undefined) return undefined;
  const folder = join(found.mountPoint, path);
  const limitBytes = v1 === undefined ? memoryLimitV2(folder) : memoryLimitV1(folder);
  if (limitBytes === 0) return undefined;
  return { limitBytes, usedBytes: () => (v1 === undefined ? memoryUsedV2(folder) : memoryUsedV1(folder)) };
}

function memoryLimitV2(folder: string): number {
  return boundOf(readNumber(join(folder, "memory.max")));
}

function memoryUsedV2(folder: string): number {
  const inactive = readPairs(join(folder, "memory.stat")).get("inactive_file") ?? 0;
  return Math.max(0, readNumber(join(folder, "memory.current")) - inactive);
}

function memoryLimitV1(folder: string): number {
  return boundOf(readNumber(join(folder, "memory.limit_in_bytes")));
}

function memoryUsedV1(folder: string): number {
  const inactive = readPairs(join(folder, "memory.stat")).get("total_inactive_file") ?? 0;
  return Math.max(0, readNumber(join(folder, "memory.usage_in_bytes")) - inactive);
}

/** A line per device: `8:0 rbytes=1 wbytes=2 rios=…`. */
function ioV2(text: string): Pick<CgroupUsage, "readBytes" | "writtenBytes"> {
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`\\b${name}=(\\d+)`, "g"))].reduce((total, [, bytes]) => total + Number(bytes), 0);
  return { readBytes: sum("rbytes"), writtenBytes: sum("wbytes") };
}

/** A line per device and operation: `8:0 Read 4096`. */
function ioV1(text: string): Pick<CgroupUsage, "readBytes" | "writtenBytes"> {
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`^\\S+ ${name} (\\d+)$`, "gm"))].reduce(
      (total, [, bytes]) => total + Number(bytes),
      0,
    );
  return { readBytes: sum("Read"), writtenBytes: sum("Write") };
}

/** Without a limit version 1 has the largest number of pages there can be. */
const NO_LIMIT_BYTES = 2 ** 60;

function boundOf(bytes: number): number {
  return bytes >= NO_LIMIT_BYTES ? 0 : bytes;
}

type Controllers = "cpu" | "cpuacct" | "memory" | "pids" | "blkio";

function usageV1(folders: Readonly<Record<Controllers, string | undefined>>): CgroupUsage {
  const { cpu, cpuacct, memory, pids, blkio } = folders;
  const throttled = cpu === undefined ? 0 : (readPairs(join(cpu, "cpu.stat")).get("throttled_time") ?? 0);
  return {
    cpuMicroseconds: cpuacct === undefined ? 0 : Math.round(readNumber(join(cpuacct, "cpuacct.usage")) / 1000),
    throttledMicroseconds: Math.round(throttled / 1000),
    memoryBytes: memory === undefined ? 0 : memoryUsedV1(memory),
    oomCount: memory === undefined ? 0 : (readPairs(join(memory, "memory.oom_control")).get("oom_kill") ?? 0),
    pidCount: pids === undefined ? 0 : readNumber(join(pids, "pids.current")),
    memoryLimitBytes: memory === undefined ? 0 : memoryLimitV1(memory),
    ...ioV1(blkio === undefined ? "" : readText(join(blkio, "blkio.throttle.io_service_bytes"))),
  };
}

function readPairs(path: string): ReadonlyMap<string, number> {
  const lines = readText(path).split("\n");
  return new Map(lines.map((line) => line.split(" ")).map(([name = "", value = ""]) => [name, Number(value)]));
}

function readNumber(path: string): number {
  const value = Number(readText(path));
  return Number.isFinite(value) ? value : 0;
}
