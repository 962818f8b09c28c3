import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { waitFor } from "../kit/wait.js";
import { processesOf } from "./cgroups.js";
import type { HostLayout } from "./layout.js";

/** The daemons of a host. */
export const DAEMONS = ["agent", "controlplane", "etcd", "dns", "supervise"] as const;

/** One of the daemons of a host. */
export type Daemon = (typeof DAEMONS)[number];

/** What can be done to a daemon. */
export const SIGNALS = { kill: "SIGKILL", stop: "SIGSTOP", cont: "SIGCONT", term: "SIGTERM" } as const satisfies Record<
  string,
  NodeJS.Signals
>;

/** Process ids of a daemon on a host, the oldest first. */
export function daemonPids(host: HostLayout, daemon: Daemon): readonly number[] {
  return processesOf(host.cgroup)
    .filter((pid) => isDaemon(argumentsOf(pid), daemon))
    .sort((a, b) => a - b);
}

function isDaemon(args: readonly string[], daemon: Daemon): boolean {
  if (daemon === "etcd") return basename(args[0] ?? "") === "etcd";
  const program = args.findIndex((argument) => /^tallshipd(\.js)?$/.test(basename(argument)));
  return program >= 0 && program <= 4 && args[program + 1] === daemon;
}

/** Command line of a process; empty when it has gone. */
export function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

/** The process that began a process, or took it over; 0 when it has gone. */
export function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return 0;
  }
}

/** Sends a signal to a daemon; a killed one has gone when this returns. */
export async function signalDaemon(host: HostLayout, daemon: Daemon, signal: NodeJS.Signals): Promise<void> {
  const pids = daemonPids(host, daemon);
  if (pids.length === 0) throw new Error(`${host.name} runs no ${daemon}`);
  for (const pid of pids) process.kill(pid, signal);
  if (signal === "SIGKILL")
    await waitFor(`${daemon} of ${host.name} to die`, () => pids.every((pid) => argumentsOf(pid).length === 0));
}
