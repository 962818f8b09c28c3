import type { Clock } from "../lib/clock.js";
import { limit } from "../lib/limits.js";

/** Called between steps of long work: lets others have their turn every limits.apiSliceMs. */
export function startPace(clock: Clock, signal: AbortSignal): () => Promise<void> | undefined {
  let sliceEndsAtMs = clock.monotonicMs() + limit("apiSliceMs");
  return () => {
    if (clock.monotonicMs() < sliceEndsAtMs) return undefined;
    return clock.sleep(0, signal).then(() => {
      sliceEndsAtMs = clock.monotonicMs() + limit("apiSliceMs");
    });
  };
}
