import type { MovedImage } from "../../../kinds/image-pins.js";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting, isPodReady } from "../../../kinds/pod-state.js";
import type { Condition } from "../../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { type StatefulSet, StatefulSetStatus } from "../../../proto/gen/tallship/v1/statefulset.js";
import type { View } from "../../cache/view.js";
import { withCondition, withoutCondition } from "../conditions.js";
import { isTainted, UNREACHABLE } from "../node/taints.js";
import { withMoved } from "../revision-images.js";
import type { Member } from "./members.js";
import { revisionOf } from "./members.js";

/** Condition that says which pods cannot be replaced because nobody knows whether they still run. */
const WAITS_FOR_NODE = "PodWaitsForNode";

/** What the status is made from. */
export interface StatusParts {
  readonly set: StatefulSet;
  readonly members: readonly Member[];
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly collisions: number;
  /** Pods that run other bytes than their revision's. */
  readonly moved: readonly MovedImage[];
  readonly nowMs: number;
}

/** The set's status as Kubernetes counts it. Once all pods are of the latest template, that is the current one. */
export function statusOf(parts: StatusParts, view: View): StatefulSetStatus {
  const { set, members, updateRevision, collisions } = parts;
  const before = set.status ?? StatefulSetStatus.fromPartial({});
  const pods = members.flatMap(({ cached }) => (cached === undefined ? [] : [cached.object]));
  const staying = pods.filter((pod) => !isDeleting(pod));
  const count = (holds: (pod: Pod) => boolean): number => staying.filter(holds).length;
  const wanted = set.spec?.replicas ?? 1;
  const readyReplicas = count(isPodReady);
  const updatedReplicas = count((pod) => revisionOf(pod) === updateRevision);
  const isComplete = updatedReplicas === wanted && readyReplicas === wanted && pods.length === wanted;
  const currentRevision = isComplete ? updateRevision : parts.currentRevision;
  return {
    observedGeneration: metaOf(set).generation,
    replicas: pods.length,
    readyReplicas,
    currentReplicas: count((pod) => revisionOf(pod) === currentRevision),
    updatedReplicas,
    availableReplicas: members.filter(({ isHealthy }) => isHealthy).length,
    currentRevision,
    updateRevision,
    collisionCount: collisions === 0 ? undefined : collisions,
    conditions: [...withMoved(conditionsOf(before.conditions, pods, parts.nowMs, view), parts.moved, parts)],
  };
}

/**
 * A pod of a stateful set runs once or not at all. While its node cannot be reached it may still run there, so it is not replaced until the
 * node answers or is deleted, or somebody who knows better deletes the pod by force; the set says so.
 */
function conditionsOf(
  before: readonly Condition[],
  pods: readonly Pod[],
  nowMs: number,
  view: View,
): readonly Condition[] {
  const lost = pods.filter((pod) => {
    const node = view.get("Node", "", pod.spec?.nodeName ?? "");
    return node !== undefined && isTainted(node, UNREACHABLE);
  });
  if (lost.length === 0) return withoutCondition(before, WAITS_FOR_NODE);
  const names = lost.map(({ metadata, spec }) => `${metadata?.name} on node ${spec?.nodeName}`);
  const message =
    `${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""} may still run: ` +
    "replaced once the node is back or deleted, or the pod is deleted with --force --grace-period=0";
  return withCondition(before, { type: WAITS_FOR_NODE, status: "True", reason: "NodeUnreachable", message }, nowMs);
}
