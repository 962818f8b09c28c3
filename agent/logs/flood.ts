import { limit } from "../../lib/limits.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** What is known of how fast a log turns over. */
export interface Turnover {
  /** When it was rotated, as often as it has files, the oldest first. */
  readonly rotatedAtMs: readonly number[];
  /** When its writer was last named; undefined while it was not. */
  readonly toldAtMs: number | undefined;
}

/** A log that was never rotated. */
export const CALM: Turnover = { rotatedAtMs: [], toldAtMs: undefined };

/**
 * A log was rotated. With `keptMs`, its writer is to be named: all that is kept of the log was written within so many milliseconds, less than limits.logFloodMs, and it was not told within
 * limits.logFloodToldMs. Pure.
 */
export function turnedOver(
  before: Turnover,
  nowMs: number,
): { readonly turnover: Turnover; readonly keptMs: number | undefined } {
  const rotatedAtMs = [...before.rotatedAtMs, nowMs].slice(-limit("logFiles"));
  const keptMs = nowMs - (rotatedAtMs[0] ?? nowMs);
  const isFlood = rotatedAtMs.length === limit("logFiles") && keptMs < limit("logFloodMs");
  const isTold = before.toldAtMs !== undefined && nowMs - before.toldAtMs < limit("logFloodToldMs");
  if (!isFlood || isTold) return { turnover: { ...before, rotatedAtMs }, keptMs: undefined };
  return { turnover: { rotatedAtMs, toldAtMs: nowMs }, keptMs };
}

/** Names a container whose log is flooded. */
export function floodNotice(pod: Pod, container: string, keptMs: number) {
  const mebibytes = (limit("logFiles") * limit("logFileBytes")) / 1024 / 1024;
  const seconds = Math.max(1, Math.round(keptMs / 1_000));
  const message = `The container writes more than a log keeps: its ${mebibytes} MiB hold the last ${seconds} s, what is older is lost`;
  return { pod, container, type: "Warning", reason: "LogFlood", message } as const;
}
