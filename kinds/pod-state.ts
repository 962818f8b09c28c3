import { parseTime } from "../lib/clock.js";
import type { Condition } from "../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";

/** Fallback for pods whose grace period was not set at admission, seconds. */
export const DEFAULT_GRACE_SECONDS = 30;

/** Seconds that the pod's containers have between the stop signal and SIGKILL: what the delete asked for goes before the spec. */
export function graceSecondsOf({ metadata, spec }: Pod): number {
  return metadata?.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
}

/** The condition of that type; undefined when the object has none. */
export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** True when the condition of that type is there and holds. */
export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditionOf(conditions, type)?.status === "True";
}

/** True once all containers have ended for good. */
export function isPodFinished(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** True once a delete was asked for. */
export function isDeleting(object: {
  readonly metadata?: { readonly deletionTimestamp: string } | undefined;
}): boolean {
  return (object.metadata?.deletionTimestamp ?? "") !== "";
}

/** True while the pod counts towards its owner's replicas: neither finished nor being deleted. */
export function isPodActive(pod: Pod): boolean {
  return !isPodFinished(pod) && !isDeleting(pod);
}

/** True when the agent, or the node controller in its place, says the pod can take requests. */
export function isPodReady(pod: Pod): boolean {
  return isConditionTrue(pod.status?.conditions, "Ready");
}

/** Milliseconds until a ready pod has been ready for `minReadySeconds`; 0 when it is available, Infinity when it is not ready. */
export function untilAvailableMs(pod: Pod, minReadySeconds: number, nowMs: number): number {
  const ready = conditionOf(pod.status?.conditions, "Ready");
  if (ready?.status !== "True") return Number.POSITIVE_INFINITY;
  if (minReadySeconds === 0) return 0;
  const sinceMs = parseTime(ready.lastTransitionTime);
  if (Number.isNaN(sinceMs)) return minReadySeconds * 1000;
  return Math.max(0, sinceMs + minReadySeconds * 1000 - nowMs);
}
