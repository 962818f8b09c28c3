import type { OciResources } from "../oci/oci-types.js";

/** A file of a control group and what to write into it. */
export interface Setting {
  readonly controller: "memory" | "cpu";
  readonly file: string;
  readonly value: string;
}

/** Limits of cpu and memory, as config.json has them. */
export type CgroupLimits = Pick<OciResources, "cpu" | "memory">;

/** A group's memory before the change. */
export interface MemoryNow {
  /** Infinity: no limit. */
  readonly limitBytes: number;
  /** Whether the kernel has files for what is swapped out. */
  readonly countsSwap: boolean;
}

/** The files of version 1 to write, in order. */
export function limitPlanV1({ cpu, memory }: CgroupLimits, now: MemoryNow): readonly Setting[] {
  const limit: Setting = { controller: "memory", file: "memory.limit_in_bytes", value: `${memory?.limit ?? -1}` };
  const both: Setting = {
    controller: "memory",
    file: "memory.memsw.limit_in_bytes",
    value: `${memory === undefined ? -1 : (memory.swap ?? -1)}`,
  };
  // Memory alone may never have more than memory and swap together: what grows goes first there, what shrinks last.
  const grows = (memory?.limit ?? Number.POSITIVE_INFINITY) > now.limitBytes;
  const withSwap = grows ? [both, limit] : [limit, both];
  const { shares, quota = -1, period = PERIOD_MICROSECONDS } = cpu;
  return [
    ...(now.countsSwap ? withSwap : [limit]),
    { controller: "cpu", file: "cpu.shares", value: `${shares}` },
    { controller: "cpu", file: "cpu.cfs_period_us", value: `${period}` },
    { controller: "cpu", file: "cpu.cfs_quota_us", value: `${quota}` },
  ];
}

/** The files of version 2 to write, in order. Swap has a limit of its own there, and the word for none is max. */
export function limitPlanV2({ cpu, memory }: CgroupLimits, now: Pick<MemoryNow, "countsSwap">): readonly Setting[] {
  const swap = memory?.swap === undefined ? "max" : `${memory.swap - memory.limit}`;
  const { shares, quota = "max", period = PERIOD_MICROSECONDS } = cpu;
  return [
    { controller: "memory", file: "memory.max", value: `${memory?.limit ?? "max"}` },
    ...(now.countsSwap ? [{ controller: "memory", file: "memory.swap.max", value: swap } as const] : []),
    { controller: "cpu", file: "cpu.weight", value: `${weightOf(shares)}` },
    { controller: "cpu", file: "cpu.max", value: `${quota} ${period}` },
  ];
}

const PERIOD_MICROSECONDS = 100_000;

/** Version 1's 2 to 262144 as version 2's 1 to 10000, as the runtime does it when it makes the container. */
function weightOf(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9_999) / 262_142);
}
