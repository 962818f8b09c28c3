import { limit } from "../../lib/limits.js";
import { cpuMillicores, quantityBytes } from "../../lib/quantity.js";
import type { ResourceRequirements } from "../../proto/gen/tallship/v1/container.js";
import type { OciResources } from "./oci-types.js";

const PERIOD_MICROSECONDS = 100_000;
/** The kernel's bounds and its default for cpu.shares. */
const SHARES = { least: 2, most: 262_144, perCore: 1024 };
/** The kernel refuses a quota below one millisecond. */
const QUOTA_LEAST_MICROSECONDS = 1_000;

/** Devices that every container has in its /dev; the runtime makes the nodes, this lets them be used. */
const DEVICES = [
  { type: "c", major: 1, minor: 3 },
  { type: "c", major: 1, minor: 5 },
  { type: "c", major: 1, minor: 7 },
  { type: "c", major: 1, minor: 8 },
  { type: "c", major: 1, minor: 9 },
  { type: "c", major: 5, minor: 0 },
  { type: "c", major: 5, minor: 2 },
  { type: "c", major: 136 },
];

/**
 * The control group's limits. CPU time is shared by requests and capped only by a limit; memory is capped by its limit, and then none of it is swapped
 * out, where the kernel counts that; huge pages by theirs, where it counts those; the number of processes always.
 */
export function ociResources(
  resources: ResourceRequirements | undefined,
  options: { readonly isPrivileged: boolean; readonly counts?: KernelCounts },
): OciResources {
  const cpuLimit = resources?.limits["cpu"];
  const memoryLimit = resources?.limits["memory"];
  const cpuRequest = resources?.requests["cpu"] ?? cpuLimit;
  return {
    devices: options.isPrivileged ? [{ allow: true, access: "rwm" }] : allowedDevices(),
    cpu: { shares: cpuShares(cpuRequest === undefined ? 0 : cpuMillicores(cpuRequest)), ...cpuQuota(cpuLimit) },
    ...(memoryLimit === undefined ? {} : { memory: memoryLimits(quantityBytes(memoryLimit), options.counts) }),
    ...hugepageLimits(resources, options.counts),
    pids: { limit: limit("podPidsDefault") },
  };
}

/** What this kernel's control groups count beside memory. */
export interface KernelCounts {
  /** Memory that is swapped out. */
  readonly swap: boolean;
  /** Huge pages. */
  readonly hugepages: boolean;
}

/** Both in one limit, as OCI has it: as much memory and swap together as memory alone. */
function memoryLimits(limit: number, counts: KernelCounts | undefined): NonNullable<OciResources["memory"]> {
  return counts?.swap === true ? { limit, swap: limit } : { limit };
}

/** Of the sizes that it asks for. Sizes are named as the kernel names them, such as 2MB. */
function hugepageLimits(
  resources: ResourceRequirements | undefined,
  counts: KernelCounts | undefined,
): Pick<OciResources, "hugepageLimits"> {
  const asked = Object.entries(resources?.limits ?? {}).filter(([name]) => name.startsWith(HUGEPAGES));
  if (counts?.hugepages !== true || asked.length === 0) return {};
  return {
    hugepageLimits: asked.map(([name, amount]) => ({
      pageSize: pageSize(quantityBytes(name.slice(HUGEPAGES.length))),
      limit: quantityBytes(amount),
    })),
  };
}

function pageSize(bytes: number): string {
  const units = ["KB", "MB", "GB"];
  const at = units.findLastIndex((_, power) => bytes >= 1024 ** (power + 1));
  return `${bytes / 1024 ** (Math.max(0, at) + 1)}${units[Math.max(0, at)]}`;
}

/** Beginning of the names of these resources; the size of a page follows. */
export const HUGEPAGES = "hugepages-";

/** Weight of a request in cgroup v1's shares; the runtime converts it for v2. No request weighs the least. */
export function cpuShares(millicores: number): number {
  const shares = Math.floor((millicores * SHARES.perCore) / 1000);
  return Math.min(SHARES.most, Math.max(SHARES.least, shares));
}

function cpuQuota(cpuLimit: string | undefined): { quota?: number; period?: number } {
  if (cpuLimit === undefined) return {};
  const quota = Math.floor((cpuMillicores(cpuLimit) * PERIOD_MICROSECONDS) / 1000);
  return { quota: Math.max(QUOTA_LEAST_MICROSECONDS, quota), period: PERIOD_MICROSECONDS };
}

function allowedDevices(): OciResources["devices"] {
  const nodes = { allow: true, access: "m" };
  return [
    { allow: false, access: "rwm" },
    { ...nodes, type: "c" },
    { ...nodes, type: "b" },
    ...DEVICES.map((device) => ({ allow: true, access: "rwm", ...device })),
  ];
}
