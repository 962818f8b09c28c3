import { type PressureCondition, SIGNALS, type Stock, type Stocks, type Threshold } from "./thresholds.js";

/** What is remembered from look to look. */
export interface PressureMemory {
  /** Since when each threshold has been met without a break, by its name. */
  readonly metSinceMs: ReadonlyMap<string, number>;
  /** When each condition was last seen to hold. */
  readonly seenAtMs: ReadonlyMap<PressureCondition, number>;
}

/** Nothing was seen yet. */
export const NO_PRESSURE: PressureMemory = { metSinceMs: new Map(), seenAtMs: new Map() };

/** A threshold that is met, and by what. */
export interface Shortage {
  readonly threshold: Threshold;
  readonly stock: Stock;
}

/** What a look has come to. */
export interface Judgement {
  readonly memory: PressureMemory;
  /** What to act upon now, the most urgent first: memory before the disk, hard before soft. */
  readonly shortages: readonly Shortage[];
  /** What the node says of itself, with the shortage that it was last seen for now, if any. */
  readonly conditions: ReadonlyMap<PressureCondition, Shortage | undefined>;
}

/**
 * Judges what a look at the host has found. A condition holds as soon as any threshold of it is met, and for `transitionMs` after; pods pay once
 * the threshold's grace is over. Pure.
 */
export function judge(
  before: PressureMemory,
  look: { readonly thresholds: readonly Threshold[]; readonly stocks: Stocks; readonly nowMs: number },
  transitionMs: number,
): Judgement {
  const { thresholds, stocks, nowMs } = look;
  const met = thresholds.flatMap((threshold): readonly Shortage[] => {
    const stock = stocks[threshold.signal];
    return stock !== undefined && isMet(threshold, stock, before) ? [{ threshold, stock }] : [];
  });
  const metSinceMs = new Map(
    met.map(({ threshold }) => [nameOf(threshold), before.metSinceMs.get(nameOf(threshold)) ?? nowMs]),
  );
  const isDue = ({ threshold }: Shortage): boolean =>
    nowMs - (metSinceMs.get(nameOf(threshold)) ?? nowMs) >= threshold.graceMs;
  const now = new Map(met.map((shortage) => [SIGNALS[shortage.threshold.signal].condition, shortage] as const));
  const seenAtMs = new Map(
    [...before.seenAtMs, ...[...now.keys()].map((condition) => [condition, nowMs] as const)].filter(
      ([, atMs]) => nowMs - atMs < transitionMs || nowMs === atMs,
    ),
  );
  return {
    memory: { metSinceMs, seenAtMs },
    shortages: met.filter(isDue).sort((left, right) => urgency(left) - urgency(right)),
    conditions: new Map([...seenAtMs.keys()].map((condition) => [condition, now.get(condition)])),
  };
}

/** One that was met has more to win back than one that was not. */
function isMet(threshold: Threshold, { available, capacity }: Stock, { metSinceMs }: PressureMemory): boolean {
  const { least, reclaim } = threshold;
  const more = metSinceMs.has(nameOf(threshold)) ? (reclaim?.of(capacity) ?? 0) : 0;
  return available < least.of(capacity) + more;
}

function nameOf({ signal, graceMs }: Threshold): string {
  return `${signal} ${graceMs > 0 ? "soft" : "hard"}`;
}

function urgency({ threshold: { signal, graceMs } }: Shortage): number {
  return (signal === "memory.available" ? 0 : 2) + (graceMs > 0 ? 1 : 0);
}
