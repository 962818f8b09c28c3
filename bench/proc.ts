import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { processesOf } from "../test/testbed/cgroups.js";
import type { HostLayout } from "../test/testbed/layout.js";
import { argumentsOf, parentOf } from "../test/testbed/processes.js";

/** What a process of a test host is, as far as memory is concerned. */
export type Role = "controlplane" | "etcd" | "agent" | "conmon" | "container" | "holder";

/** Proportional set size of a process in MiB; 0 when it has gone. */
export function pssMib(pid: number): number {
  try {
    const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
    return Number(match?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Milliseconds of CPU that a process and its dead children have used; 0 when it has gone. */
export function cpuMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    return ((fields[11] ?? 0) + (fields[12] ?? 0) + (fields[13] ?? 0) + (fields[14] ?? 0)) * 10;
  } catch {
    return 0;
  }
}

/** Process ids of a host by what they are. Everything Tallship runs beside control plane and etcd counts as agent. */
export function processesByRole(host: HostLayout): ReadonlyMap<Role, readonly number[]> {
  const pids = processesOf(host.cgroup);
  const byRole = new Map<Role, number[]>();
  for (const pid of pids) {
    const role = roleOf(pid);
    byRole.set(role, [...(byRole.get(role) ?? []), pid]);
  }
  return byRole;
}

function roleOf(pid: number): Role {
  const args = argumentsOf(pid);
  const program = basename(args[0] ?? "");
  if (program === "etcd") return "etcd";
  if (program === "conmon") return "conmon";
  if (basename(argumentsOf(parentOf(pid))[0] ?? "") === "conmon" || isBelowConmon(pid)) return "container";
  if (args.some((argument) => /tallshipd/.test(argument)) && args.includes("controlplane")) return "controlplane";
  if (program === "sleep" && args[1] === "infinity") return "holder";
  return "agent";
}

function isBelowConmon(pid: number): boolean {
  for (let at = parentOf(pid); at > 1; at = parentOf(at)) {
    if (basename(argumentsOf(at)[0] ?? "") === "conmon") return true;
  }
  return false;
}

/** Sum over processes. */
export function totalOf(pids: readonly number[] | undefined, measure: (pid: number) => number): number {
  return (pids ?? []).reduce((sum, pid) => sum + measure(pid), 0);
}

/** Every process of the machine, for what runs outside hosts. */
export function everyPid(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
