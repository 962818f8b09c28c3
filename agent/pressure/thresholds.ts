import { TallshipError } from "../../lib/errors.js";
import type { HostEviction } from "../../lib/host-config.js";
import { formatBytes, parseQuantity } from "../../lib/quantity.js";

/**
 * What may run out on a node, with Kubernetes' names, and what follows: the node's condition, and the resource that pods are ranked by. A new
 * signal is a row here and one in read-host.ts.
 */
export const SIGNALS = {
  "memory.available": { condition: "MemoryPressure", resource: "memory" },
  "nodefs.available": { condition: "DiskPressure", resource: "ephemeral-storage" },
  "nodefs.inodesFree": { condition: "DiskPressure", resource: "inodes" },
  "imagefs.available": { condition: "DiskPressure", resource: "ephemeral-storage" },
  "imagefs.inodesFree": { condition: "DiskPressure", resource: "inodes" },
  "pid.available": { condition: "PIDPressure", resource: "pids" },
} as const;

/** Name of a signal. */
export type Signal = keyof typeof SIGNALS;

/** What pods are ranked by when it runs out. */
export type StarvedResource = (typeof SIGNALS)[Signal]["resource"];

/** Condition of a node that says that it lacks something. */
export type PressureCondition = (typeof SIGNALS)[Signal]["condition"];

/** All of them, in the order in which they are told. */
export const PRESSURES = [
  "DiskPressure",
  "MemoryPressure",
  "PIDPressure",
] as const satisfies readonly PressureCondition[];

/** How much there is of something, and how much of it nobody uses. Bytes, or a count. */
export interface Stock {
  readonly available: number;
  readonly capacity: number;
}

/** What a look at the host has found; a signal that the host does not have is absent. */
export type Stocks = Readonly<Partial<Record<Signal, Stock>>>;

/** An amount as it was written: a quantity, or a share of the whole. */
export interface Amount {
  readonly text: string;
  readonly of: (capacity: number) => number;
}

/** A bound below which a node is under pressure, and pods are evicted once it has been for the grace. */
export interface Threshold {
  readonly signal: Signal;
  readonly least: Amount;
  /** 0: a hard threshold. */
  readonly graceMs: number;
  /** Once met, it stays so until there is this much more than the least. */
  readonly reclaim: Amount | undefined;
}

/** When pods are evicted. */
export interface EvictionRules {
  readonly thresholds: readonly Threshold[];
  /** Longest grace of a pod that is evicted at a soft threshold. */
  readonly maxPodGraceMs: number;
  /** How long a condition stays after it was last met. */
  readonly transitionMs: number;
}

/** The rules that a host's options stand for. Throws invalid_argument for what is malformed or contradicts itself. */
export function evictionRules(options: HostEviction): EvictionRules {
  const transitionMs = parsePeriodMs(options.transition);
  if (transitionMs === undefined)
    throw new TallshipError(
      "invalid_argument",
      `--eviction-pressure-transition-period ${options.transition}: want a period such as 5m`,
    );
  return { thresholds: thresholdsOf(options), maxPodGraceMs: options.maxPodGraceSeconds * 1000, transitionMs };
}

function thresholdsOf({ hard, soft, softGrace, minimumReclaim }: HostEviction): readonly Threshold[] {
  const graces = pairs("eviction-soft-grace-period", softGrace, "=");
  const reclaims = pairs("eviction-minimum-reclaim", minimumReclaim, "=");
  const threshold = (option: string, [signal, text]: readonly [Signal, string], graceMs: number): Threshold => {
    const reclaim = reclaims.get(signal);
    return {
      signal,
      least: amountOf(option, text),
      graceMs,
      reclaim: reclaim === undefined ? undefined : amountOf("eviction-minimum-reclaim", reclaim),
    };
  };
  return [
    ...[...pairs("eviction-hard", hard, "<")].map((pair) => threshold("eviction-hard", pair, 0)),
    ...[...pairs("eviction-soft", soft, "<")].map((pair) =>
      threshold("eviction-soft", pair, softGraceMs(pair[0], graces)),
    ),
  ];
}

function softGraceMs(signal: Signal, graces: ReadonlyMap<Signal, string>): number {
  const graceMs = parsePeriodMs(graces.get(signal) ?? "");
  if (graceMs !== undefined && graceMs > 0) return graceMs;
  throw new TallshipError(
    "invalid_argument",
    `--eviction-soft ${signal}: --eviction-soft-grace-period must say for how long, such as ${signal}=1m30s`,
  );
}

/** Milliseconds of a period such as 90s, 1m30s or 5m; undefined when malformed. */
export function parsePeriodMs(text: string): number | undefined {
  const match = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text);
  if (match === null || text === "") return undefined;
  const [hours = 0, minutes = 0, seconds = 0, milliseconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
}

/** A number of what a resource is counted in, for people. */
export function amountText(resource: StarvedResource, amount: number): string {
  if (resource === "pids" || resource === "inodes") return `${Math.round(amount)}`;
  return formatBytes(amount < 1024 ? amount : Math.floor(amount / 1024) * 1024);
}

function pairs(option: string, text: string, between: "<" | "="): ReadonlyMap<Signal, string> {
  const found = new Map<Signal, string>();
  for (const part of text.split(",").filter((one) => one.trim() !== "")) {
    const [name = "", value = "", ...more] = part.split(between).map((word) => word.trim());
    if (!isSignal(name) || value === "" || more.length > 0)
      throw new TallshipError(
        "invalid_argument",
        `--${option} ${part}: want NAME${between}VALUE, the name one of ${Object.keys(SIGNALS).join(", ")}`,
      );
    if (found.has(name)) throw new TallshipError("invalid_argument", `--${option}: ${name} stands twice`);
    found.set(name, value);
  }
  return found;
}

function isSignal(name: string): name is Signal {
  return Object.hasOwn(SIGNALS, name);
}

function amountOf(option: string, text: string): Amount {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  const share = Number(percent) / 100;
  if (percent !== undefined && share <= 1) return { text, of: (capacity) => capacity * share };
  const amount = parseQuantity(text);
  if (percent === undefined && amount !== undefined && amount >= 0) return { text, of: () => amount };
  throw new TallshipError("invalid_argument", `--${option} ${text}: want an amount such as 100Mi, or 0% to 100%`);
}
