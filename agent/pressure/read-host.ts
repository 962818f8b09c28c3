// Edge: reads what the host has left.
import { readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { Hierarchy } from "../cgroup/hierarchies.js";
import { boundedMemory } from "../cgroup/pod-cgroups.js";
import type { Signal, Stock, Stocks } from "./thresholds.js";

/** Where to look. */
export interface HostPlaces {
  readonly dataDir: string;
  readonly hierarchies: readonly Hierarchy[];
  /** Control group above all pods' groups; empty: the whole host, or what the agent sees of it. A bound on its memory is the host's bound. */
  readonly cgroupParent: string;
}

/** What the host has left now; a file system that does not count inodes has no such signal. */
export function readStocks(places: HostPlaces): Stocks {
  const nodefs = diskStocks("nodefs", places.dataDir);
  const imagefs = diskStocks("imagefs", join(places.dataDir, "images"));
  return { ...nodefs, ...imagefs, "memory.available": memoryStock(places), "pid.available": pidStock() };
}

/** As df counts: what is kept for root is not there for anybody. */
function diskStocks(name: "nodefs" | "imagefs", folder: string): Stocks {
  const { blocks, bfree, bavail, bsize, files, ffree } = statfsSync(folder);
  const available: Signal = `${name}.available`;
  const inodesFree: Signal = `${name}.inodesFree`;
  return {
    [available]: { available: bavail * bsize, capacity: (blocks - bfree + bavail) * bsize },
    ...(files > 0 && { [inodesFree]: { available: ffree, capacity: files } }),
  };
}

function memoryStock({ hierarchies, cgroupParent }: HostPlaces): Stock {
  const text = readFileSync("/proc/meminfo", "utf8");
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) * 1024;
  const host = { available: bytes("MemAvailable"), capacity: bytes("MemTotal") };
  // A host whose bound nobody has set is looked at every second: what the group uses does not matter then.
  const bounded = boundedMemory(hierarchies, cgroupParent);
  if (bounded === undefined) return host;
  const left = Math.max(0, bounded.limitBytes - bounded.usedBytes());
  return { available: Math.min(host.available, left), capacity: Math.min(host.capacity, bounded.limitBytes) };
}

/** Threads count: each takes a number. */
function pidStock(): Stock {
  const threads = Number(/\/(\d+) /.exec(readFileSync("/proc/loadavg", "utf8"))?.[1] ?? 0);
  const [most = 0, mostThreads = 0] = ["pid_max", "threads-max"].map((name) =>
    Number(readFileSync(`/proc/sys/kernel/${name}`, "utf8")),
  );
  const capacity = Math.min(most, mostThreads);
  return { available: Math.max(0, capacity - threads), capacity };
}
