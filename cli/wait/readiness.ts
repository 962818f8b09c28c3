import { jobCompletions, jobEnd } from "../../kinds/job-state.js";
import type { Typed } from "../../kinds/object.js";
import { conditionOf, isConditionTrue, isPodFinished, isPodReady } from "../../kinds/pod-state.js";
import { podSummary } from "../../kinds/pod-summary.js";
import { podTrouble } from "../../kinds/pod-trouble.js";
import type { DaemonSet } from "../../proto/gen/tallship/v1/daemonset.js";
import type { Deployment } from "../../proto/gen/tallship/v1/deployment.js";
import type { Job } from "../../proto/gen/tallship/v1/job.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { ReplicaSet } from "../../proto/gen/tallship/v1/replicaset.js";
import type { StatefulSet } from "../../proto/gen/tallship/v1/statefulset.js";

/** How far an object is from what was asked of it. */
export type Readiness =
  | { readonly is: "ready" }
  | { readonly is: "waiting"; readonly why: string }
  /** It will not become ready by itself. */
  | { readonly is: "failed"; readonly why: string };

const READY: Readiness = { is: "ready" };

/** Whether an object is as it was asked to be. Kinds without a state of their own are ready once they exist. */
export function readinessOf(typed: Typed): Readiness {
  switch (typed.kind) {
    case "Deployment":
      return ofDeployment(typed.object);
    case "DaemonSet":
      return ofDaemonSet(typed.object);
    case "StatefulSet":
      return ofStatefulSet(typed.object);
    case "Job":
      return ofJob(typed.object);
    case "ReplicaSet":
      return ofReplicaSet(typed.object);
    case "Pod":
      return ofPod(typed.object);
    default:
      return READY;
  }
}

/** As `kubectl rollout status` decides: every pod of the new template, none of an old one, all available. */
function ofDeployment({ metadata, spec, status }: Deployment): Readiness {
  const wanted = spec?.replicas ?? 1;
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, observedGeneration = 0 } = status ?? {};
  if (observedGeneration < (metadata?.generation ?? 0)) return waiting("the change has not been seen yet");
  const progressing = conditionOf(status?.conditions, "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded") {
    const rolledBack = conditionOf(status?.conditions, "RolledBack")?.message;
    return { is: "failed", why: rolledBack || progressing.message || "it missed its progress deadline" };
  }
  if (updatedReplicas < wanted) return waiting(`${updatedReplicas} of ${wanted} pods updated`);
  if (replicas > updatedReplicas) return waiting(`${replicas - updatedReplicas} old pods still there`);
  if (availableReplicas < wanted) return waiting(`${availableReplicas} of ${wanted} pods available`);
  return READY;
}

function ofReplicaSet({ metadata, spec, status }: ReplicaSet): Readiness {
  const wanted = spec?.replicas ?? 1;
  const { availableReplicas = 0, observedGeneration = 0 } = status ?? {};
  if (observedGeneration < (metadata?.generation ?? 0)) return waiting("the change has not been seen yet");
  return availableReplicas < wanted ? waiting(`${availableReplicas} of ${wanted} pods available`) : READY;
}

/** A pod of the current template on every node that is wanted, each available. */
function ofDaemonSet({ metadata, spec, status }: DaemonSet): Readiness {
  const { desiredNumberScheduled = 0, observedGeneration = 0, numberAvailable = 0 } = status ?? {};
  if (observedGeneration < (metadata?.generation ?? 0)) return waiting("the change has not been seen yet");
  const updated = status?.updatedNumberScheduled ?? 0;
  // With OnDelete the user decides when pods are replaced.
  if (updated < desiredNumberScheduled && spec?.updateStrategy?.type !== "OnDelete")
    return waiting(`${updated} of ${desiredNumberScheduled} pods updated`);
  if (numberAvailable < desiredNumberScheduled)
    return waiting(`${numberAvailable} of ${desiredNumberScheduled} pods available`);
  return READY;
}

/** Every pod available and, above the partition, of the latest template. */
function ofStatefulSet({ metadata, spec, status }: StatefulSet): Readiness {
  const wanted = spec?.replicas ?? 1;
  const { observedGeneration = 0, availableReplicas = 0, updatedReplicas = 0, replicas = 0 } = status ?? {};
  if (observedGeneration < (metadata?.generation ?? 0)) return waiting("the change has not been seen yet");
  const due = Math.max(0, wanted - (spec?.updateStrategy?.rollingUpdate?.partition ?? 0));
  const isByHand = spec?.updateStrategy?.type === "OnDelete";
  // Once all have been updated the two revisions are one, and what was updated is no longer counted apart.
  const isUpdating = status?.updateRevision !== status?.currentRevision;
  if (isUpdating && updatedReplicas < due && !isByHand) return waiting(`${updatedReplicas} of ${due} pods updated`);
  if (replicas > wanted) return waiting(`${replicas - wanted} pods too many still there`);
  if (availableReplicas < wanted) return waiting(`${availableReplicas} of ${wanted} pods available`);
  return READY;
}

/** Complete; one that is to be suspended, and is, is as it was asked to be. */
function ofJob(job: Job): Readiness {
  const end = jobEnd(job);
  if (end?.type === "Failed") return { is: "failed", why: `${end.reason}: ${end.message}` };
  const isSuspended = isConditionTrue(job.status?.conditions, "Suspended");
  if (end !== undefined || (isSuspended && job.spec?.suspend === true)) return READY;
  if (isSuspended) return waiting("it is still suspended");
  const { active = 0, failed = 0 } = job.status ?? {};
  const failures = failed === 0 ? "" : `, ${failed} failed`;
  return waiting(`${jobCompletions(job)} completions, ${active} pods active${failures}`);
}

function ofPod(pod: Pod): Readiness {
  if (pod.status?.phase === "Failed") return { is: "failed", why: podTrouble(pod) ?? "it has failed" };
  if (isPodFinished(pod) || isPodReady(pod)) return READY;
  return waiting(podTrouble(pod) ?? podSummary(pod).status);
}

function waiting(why: string): Readiness {
  return { is: "waiting", why };
}
