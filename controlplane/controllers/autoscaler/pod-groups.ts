import { conditionOf, isDeleting } from "../../../kinds/pod-state.js";
import { parseTime } from "../../../lib/clock.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";

/** What one pod measures. */
export interface Measure {
  readonly value: number;
  /** When it was read, milliseconds since the epoch, and over how long. */
  readonly atMs: number;
  readonly windowMs: number;
}

/** Measures by the pods' names. */
export type Measures = ReadonlyMap<string, Measure>;

/** Pods by what their measure is worth. */
export interface PodGroups {
  readonly readyCount: number;
  /** Pods that do not work yet: what they use says nothing of the load. */
  readonly unready: ReadonlySet<string>;
  /** Pods that should have a measure and have none. */
  readonly missing: ReadonlySet<string>;
  /** Pods on their way out. */
  readonly ignored: ReadonlySet<string>;
}

/** A pod that has just started burns CPU that is no load. As in Kubernetes. */
const cpuInitializationMs = 300_000;
/** A pod that was not ready from the first on has had this long to become so. As in Kubernetes. */
const initialReadinessMs = 30_000;

/** Sorts pods as Kubernetes' autoscaler does. */
export function groupPods(
  pods: readonly Pod[],
  measures: Measures,
  { isCpu, nowMs }: { readonly isCpu: boolean; readonly nowMs: number },
): PodGroups {
  const unready = new Set<string>();
  const missing = new Set<string>();
  const ignored = new Set<string>();
  let readyCount = 0;
  for (const pod of pods) {
    const name = pod.metadata?.name ?? "";
    const measure = measures.get(name);
    if (isDeleting(pod) || pod.status?.phase === "Failed") ignored.add(name);
    else if (pod.status?.phase === "Pending") unready.add(name);
    else if (measure === undefined) missing.add(name);
    else if (isCpu && isStillStarting(pod, measure, nowMs)) unready.add(name);
    else readyCount += 1;
  }
  return { readyCount, unready, missing, ignored };
}

function isStillStarting({ status }: Pod, measure: Measure, nowMs: number): boolean {
  const ready = conditionOf(status?.conditions, "Ready");
  const startMs = parseTime(status?.startTime ?? "");
  if (ready === undefined || Number.isNaN(startMs)) return true;
  const changedMs = parseTime(ready.lastTransitionTime);
  if (startMs + cpuInitializationMs > nowMs)
    return ready.status === "False" || measure.atMs < changedMs + measure.windowMs;
  return ready.status === "False" && startMs + initialReadinessMs > changedMs;
}
