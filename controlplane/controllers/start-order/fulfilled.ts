import { matchesLabels } from "../../../kinds/label-selector.js";
import { metaOf } from "../../../kinds/object.js";
import { isConditionTrue, isDeleting, isPodReady } from "../../../kinds/pod-state.js";
import { isKindName } from "../../../kinds/registry.js";
import type { StartDependency } from "../../../kinds/start-after.js";
import { assertNever } from "../../../lib/errors.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { View } from "../../cache/view.js";
import { controllerOf } from "../writes.js";

/**
 * Whether what a pod starts after is there. `started`: as many pods as are wanted have started all their containers; `healthy`: as many are
 * ready; `completed`: all its pods have ended with success. The name is that of a workload, of a pod, or of a service for the pods behind it.
 */
export function isFulfilled({ name, condition, isOptional }: StartDependency, namespace: string, view: View): boolean {
  const pods = podsOf(name, namespace, view);
  if (isOptional && (pods.length === 0 ? !isNamed(name, namespace, view) : pods.every(hasFailed))) return true;
  switch (condition) {
    case "started":
      return pods.filter(hasStarted).length >= wantedCount(name, namespace, view);
    case "healthy":
      return pods.filter(isHealthy).length >= wantedCount(name, namespace, view);
    case "completed":
      return hasCompleted(name, namespace, view, pods);
    default:
      return assertNever(condition);
  }
}

/** Pods of the workload of that name, whatever its kind; else those behind the service of that name. */
function podsOf(name: string, namespace: string, view: View): readonly Pod[] {
  const all = view.list("Pod", namespace).map(({ object }) => object);
  const own = all.filter((pod) => belongsTo(pod, name, view));
  if (own.length > 0 || isWorkload(name, namespace, view)) return own;
  const selector = view.get("Service", namespace, name)?.spec?.selector ?? {};
  if (Object.keys(selector).length === 0) return [];
  return all.filter((pod) => matchesLabels(selector, metaOf(pod).labels));
}

/** Deepest chain of owners: a pod's replica set's deployment, a pod's job's cron job. */
const OWNERS_DEEP = 3;

function belongsTo(pod: Pod, name: string, view: View): boolean {
  const { namespace } = metaOf(pod);
  if (metaOf(pod).name === name) return true;
  let owner = controllerOf(pod);
  for (let deep = 0; deep < OWNERS_DEEP && owner !== undefined; deep += 1) {
    if (owner.name === name) return true;
    owner = isKindName(owner.kind) ? controllerOf(view.get(owner.kind, namespace, owner.name) ?? {}) : undefined;
  }
  return false;
}

const SCALED = ["Deployment", "ReplicaSet", "StatefulSet"] as const;
const WORKLOADS = [...SCALED, "DaemonSet", "Job", "CronJob"] as const;

/** A job says itself when it has completed: some of its pods may have failed before. */
function hasCompleted(name: string, namespace: string, view: View, pods: readonly Pod[]): boolean {
  const job = view.get("Job", namespace, name);
  if (job !== undefined) return isConditionTrue(job.status?.conditions, "Complete");
  return pods.length > 0 && pods.every(({ status }) => status?.phase === "Succeeded");
}

function isWorkload(name: string, namespace: string, view: View): boolean {
  return WORKLOADS.some((kind) => view.get(kind, namespace, name) !== undefined);
}

function isNamed(name: string, namespace: string, view: View): boolean {
  return isWorkload(name, namespace, view) || view.get("Service", namespace, name) !== undefined;
}

/** Never 0: what is scaled down has not started. */
function wantedCount(name: string, namespace: string, view: View): number {
  const daemons = view.get("DaemonSet", namespace, name);
  if (daemons !== undefined) return Math.max(1, daemons.status?.desiredNumberScheduled ?? 1);
  const scaled = SCALED.map((kind) => view.get(kind, namespace, name)).find((found) => found !== undefined);
  return Math.max(1, scaled?.spec?.replicas ?? 1);
}

function hasStarted(pod: Pod): boolean {
  if (pod.status?.phase === "Succeeded") return true;
  const statuses = pod.status?.containerStatuses ?? [];
  return (
    !isDeleting(pod) &&
    statuses.length > 0 &&
    statuses.every(({ state, lastState }) => hasRun(state) || hasRun(lastState))
  );
}

function hasRun(state: NonNullable<Pod["status"]>["containerStatuses"][number]["state"]): boolean {
  return state?.running !== undefined || state?.terminated !== undefined;
}

function isHealthy(pod: Pod): boolean {
  return !isDeleting(pod) && isPodReady(pod);
}

function hasFailed(pod: Pod): boolean {
  return pod.status?.phase === "Failed";
}
