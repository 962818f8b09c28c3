import type { Rng } from "./rng.js";

/** Bounds of a backoff, in milliseconds. */
export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Share of a wait that is drawn; a quarter when absent. Nearly all of it spreads a crowd over the whole wait. */
  readonly jitter?: number;
}

/** Delay before try number `attempt` (0 is the first retry): doubles up to the bound, then minus up to its jitter. */
export function backoffMs(limits: BackoffLimits, attempt: number, rng: Rng): number {
  const doubled = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(doubled * (1 - rng.float() * (limits.jitter ?? 0.25)));
}
