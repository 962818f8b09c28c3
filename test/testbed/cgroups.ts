import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { thawAll } from "../../agent/cgroup/freeze.js";
import { mountedHierarchies } from "../../agent/cgroup/pod-cgroups.js";
import { waitFor } from "../kit/wait.js";

/** One mounted cgroup hierarchy of the machine. */
export interface Hierarchy {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** Mount options that select it again, version 1 only. */
  readonly options: string;
}

/** The machine's hierarchies. Version 2 comes first when there is one. */
export function hierarchies(): readonly Hierarchy[] {
  const rows = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(
      ([, mountPoint, type]) => (type === "cgroup" || type === "cgroup2") && mountPoint?.startsWith("/sys/fs/cgroup"),
    );
  const known = new Set(["rw", "ro", "nosuid", "nodev", "noexec", "relatime", "nsdelegate", "memory_recursiveprot"]);
  return rows
    .map(
      ([, mountPoint = "", type, options = ""]): Hierarchy => ({
        version: type === "cgroup2" ? 2 : 1,
        mountPoint,
        options: options
          .split(",")
          .filter((option) => !known.has(option))
          .join(","),
      }),
    )
    .sort((a, b) => b.version - a.version);
}

/** Whether the only hierarchy is version 2. */
export function isUnified(all: readonly Hierarchy[]): boolean {
  return all.every(({ version }) => version === 2);
}

/** Creates a host's cgroup in every hierarchy. */
export function createCgroup(name: string): void {
  for (const { mountPoint, version } of hierarchies()) {
    mkdirSync(join(mountPoint, name), { recursive: true });
    if (version === 1) inheritCpuset(join(mountPoint, name), mountPoint);
  }
}

/** A version 1 cpuset without CPUs takes no process. */
function inheritCpuset(cgroup: string, parent: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (existsSync(join(cgroup, file))) writeFileSync(join(cgroup, file), readFileSync(join(parent, file)));
  }
}

/** Process ids in a host's cgroup, at any depth. */
export function processesOf(name: string): readonly number[] {
  const version2 = hierarchies().find(({ version }) => version === 2) ?? hierarchies()[0];
  if (version2 === undefined) return [];
  return groupsBelow(join(version2.mountPoint, name)).flatMap((folder) => readPids(join(folder, "cgroup.procs")));
}

function readPids(file: string): readonly number[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
}

/** A folder and everything below it, deepest first. */
function groupsBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...inner.flatMap((entry) => groupsBelow(join(folder, entry.name))), folder];
}

/** Kills everything in a host's cgroup at once, as a power cut does, and waits until it is gone. */
export async function killCgroup(name: string): Promise<void> {
  const kill = switchOf(name, "cgroup.kill");
  await waitFor(`processes of ${name} to die`, () => {
    if (kill !== undefined && existsSync(kill)) writeFileSync(kill, "1");
    else for (const pid of processesOf(name)) tryKill(pid);
    // What stands still in a freezer of version 1 does not die of it.
    thawAll(mountedHierarchies(), `/${name}`);
    return processesOf(name).length === 0;
  });
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It died meanwhile: that is what was wanted.
  }
}

/** Stops or resumes everything in a host's cgroup. */
export function freezeCgroup(name: string, isFrozen: boolean): void {
  const file = switchOf(name, "cgroup.freeze");
  if (file === undefined) throw new Error("freeze: the machine has no cgroup version 2 hierarchy");
  writeFileSync(file, isFrozen ? "1" : "0");
}

function switchOf(name: string, file: string): string | undefined {
  const version2 = hierarchies().find(({ version }) => version === 2);
  return version2 === undefined ? undefined : join(version2.mountPoint, name, file);
}

/** Removes a host's cgroup from every hierarchy; its processes are gone. */
export async function removeCgroup(name: string): Promise<void> {
  for (const { mountPoint } of hierarchies()) {
    const folder = join(mountPoint, name);
    await waitFor(`cgroup ${folder} to go`, () => {
      for (const group of groupsBelow(folder)) rmdirSync(group);
      return !existsSync(folder);
    });
  }
}
