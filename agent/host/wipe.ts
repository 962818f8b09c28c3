// Edge: everything that Tallship makes on a host.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { HostPaths } from "../../lib/host-paths.js";
import { limit } from "../../lib/limits.js";
import { systemClock } from "../../lib/system-clock.js";
import { OVERLAY_DEVICE, POD_DEVICE_GROUP, ROUTE_PROTOCOL } from "../../net/device-names.js";
import { firewallTable } from "../../net/kernel/firewall-text.js";
import { ruleTable } from "../../net/kernel/nft-text.js";
import { REMOVAL_SCRIPT } from "../../net/shortcut/shortcut-text.js";
import { thawAll } from "../cgroup/freeze.js";
import { mountedHierarchies, removeCgroup } from "../cgroup/pod-cgroups.js";
import { mountsBelow } from "./mounts-below.js";

/** What is taken away. */
export interface WipeTerms {
  readonly paths: HostPaths;
  /** Control group above all pods' groups; empty, or a path that starts with a slash. */
  readonly cgroupParent: string;
}

/**
 * Takes away what the agent has made: containers, their mounts, control groups, devices, rules and files. Daemons must have been stopped. Files of the host's owner
 * (registries.yaml, the owner's table of rules) stay. Twice is once; returns what could not be taken away.
 */
export async function wipeHost({ paths, cgroupParent }: WipeTerms): Promise<readonly string[]> {
  const left = await killContainers(paths, cgroupParent);
  await unmountAll([paths.runDir, paths.dataDir]);
  await removeNetwork();
  for (const path of [
    paths.cluster,
    paths.host,
    paths.ca,
    paths.caKey,
    paths.sealKey,
    paths.nodeCertificate,
    paths.nodeKey,
    paths.adminContext,
  ])
    rmSync(path, { force: true });
  const mounts = mountsBelow(readFileSync("/proc/self/mountinfo", "utf8"), [paths.runDir, paths.dataDir]);
  if (mounts.length > 0) return [...left, ...mounts.map((mount) => `${mount} is still mounted; its files were kept`)];
  for (const folder of [paths.runDir, paths.dataDir]) empty(folder);
  return left;
}

/** Kills what runs in pods' groups, and the monitors beside them, until nothing is left or the time is over. */
async function killContainers(paths: HostPaths, cgroupParent: string): Promise<readonly string[]> {
  const hierarchies = mountedHierarchies();
  const group = `${cgroupParent}/tallship`;
  const untilMs = systemClock.monotonicMs() + limit("daemonStopMs");
  for (;;) {
    const pids = new Set(hierarchies.flatMap(({ mountPoint }) => processesBelow(join(mountPoint, group))));
    for (const pid of monitors(paths.runDir)) pids.add(pid);
    for (const pid of pids) kill(pid);
    thawAll(hierarchies, group);
    if (pids.size === 0 && removeCgroup(hierarchies, group)) return [];
    if (systemClock.monotonicMs() > untilMs) return [`processes ${[...pids].join(", ")} do not end`];
    await systemClock.sleep(20, new AbortController().signal);
  }
}

function processesBelow(folder: string): readonly number[] {
  if (!existsSync(folder)) return [];
  const own = readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...own, ...below.flatMap((entry) => processesBelow(join(folder, entry.name)))];
}

/** Processes of conmon, HAProxy and socat that keep their files below the run folder, on this host: not those of a neighbour that is kept apart by namespaces alone. */
function monitors(runDir: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const [program = "", ...args] = commandLine(pid);
      const isOurs =
        /(^|\/)(conmon|haproxy|socat)$/.test(program) && args.some((argument) => argument.startsWith(`${runDir}/`));
      return isOurs && networkOf(pid) === networkOf("self");
    });
}

function commandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function networkOf(pid: number | "self"): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return "";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

async function unmountAll(folders: readonly string[]): Promise<void> {
  for (const mount of mountsBelow(readFileSync("/proc/self/mountinfo", "utf8"), folders))
    await run("umount", ["-l", mount]);
}

async function removeNetwork(): Promise<void> {
  await run("ip", ["link", "delete", "group", `${POD_DEVICE_GROUP}`]);
  await run("ip", ["link", "delete", OVERLAY_DEVICE]);
  await run("ip", ["route", "flush", "table", "all", "proto", `${ROUTE_PROTOCOL}`]);
  await run("ip", ["rule", "flush", "proto", `${ROUTE_PROTOCOL}`]);
  // Of a device that is the host's own: nothing takes them along.
  const standIns = `ip neighbour show proxy proto ${ROUTE_PROTOCOL} | while read -r ip _ device _; do ip neighbour delete proxy "$ip" dev "$device"; done`;
  await run("sh", ["-c", standIns]);
  await run("sh", ["-c", REMOVAL_SCRIPT]);
  const tables = (["IPv4", "IPv6"] as const).flatMap((family) => [ruleTable(family), firewallTable(family)]);
  for (const table of tables) await run("nft", ["delete", "table", ...table.split(" ")]);
}

/** Runs to its end; what is not there to be taken away makes it fail, and that is well. */
function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    execFile(program, [...args], () => resolve());
  });
}

/** Removes what a folder holds; the folder itself may be a mount of the host's owner. */
function empty(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
}
