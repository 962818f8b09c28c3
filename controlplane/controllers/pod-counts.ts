import { isPodReady, untilAvailableMs } from "../../kinds/pod-state.js";
import { keepsPlace } from "../../kinds/power.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** How the pods of an owner stand. */
export interface PodCounts {
  /** Neither finished nor being deleted, or stopped by hand. */
  readonly active: number;
  readonly ready: number;
  /** Ready for at least minReadySeconds. */
  readonly available: number;
  /** Being deleted and not yet gone. */
  readonly terminating: number;
  /** Milliseconds until the next ready pod becomes available by time alone; undefined when none will. */
  readonly nextAvailableMs: number | undefined;
}

/** Counts an owner's pods. */
export function countPods(pods: readonly Pod[], minReadySeconds: number, nowMs: number): PodCounts {
  const active = pods.filter(keepsPlace);
  const waits = active.map((pod) => untilAvailableMs(pod, minReadySeconds, nowMs)).filter(Number.isFinite);
  const ahead = waits.filter((waitMs) => waitMs > 0);
  return {
    active: active.length,
    ready: active.filter(isPodReady).length,
    available: waits.length - ahead.length,
    terminating: pods.filter((pod) => (pod.metadata?.deletionTimestamp ?? "") !== "").length,
    nextAvailableMs: ahead.length === 0 ? undefined : Math.min(...ahead),
  };
}
