import { parseTime } from "../../../lib/clock.js";
import { limit } from "../../../lib/limits.js";

/** Milliseconds until the next pod after this many failures in a row, the last of them at that time: 10 s, doubled each time, at most ten minutes. */
export function untilRetryMs(failures: number, lastFailureTime: string, nowMs: number): number {
  const lastMs = parseTime(lastFailureTime);
  if (failures === 0 || Number.isNaN(lastMs)) return 0;
  const delayMs = Math.min(limit("jobRetryMaxMs"), limit("jobRetryFirstMs") * 2 ** Math.min(failures - 1, 30));
  // A clock that went back must not make the wait longer than it is.
  return Math.min(delayMs, Math.max(0, lastMs + delayMs - nowMs));
}
