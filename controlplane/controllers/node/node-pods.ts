import { deletionOf } from "../../../kinds/deletion.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting, isPodFinished } from "../../../kinds/pod-state.js";
import { tolerates } from "../../../kinds/tolerates.js";
import { parseTime } from "../../../lib/clock.js";
import { limit } from "../../../lib/limits.js";
import type { Node, Taint } from "../../../proto/gen/tallship/v1/node.js";
import { type Pod, PodStatus } from "../../../proto/gen/tallship/v1/pod.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import { withCondition } from "../conditions.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome } from "../controller.js";
import { replace } from "../writes.js";
import { isTainted, UNREACHABLE } from "./taints.js";

/**
 * Does to a node's pods what its taints say. A pod on an unreachable node is Unknown and not Ready at once: nobody can say how it is. A
 * NoExecute taint evicts what does not tolerate it, or no longer: the pod is marked for deletion, its owner replaces it, and it is gone
 * when the node has confirmed it or was deleted.
 */
export const nodePods: Controller = { name: "node-pods", keysFor, reconcile };

/** An agent that has no session may reach another replica and say that its pods run: who is right is not fought out at once. */
const unreachableAgainMs = 5_000;

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "Node") return isConcerned(ofKind(after, "Node")?.object) ? [key] : [];
  const [was, is] = [before, after].map((cached) => ofKind(cached, "Pod")?.object.spec?.nodeName ?? "");
  const isConcern = is !== undefined && is !== was && isConcerned(view.get("Node", "", is));
  return isConcern ? [{ kind: "Node", namespace: "", name: is }] : [];
}

function isConcerned(node: Node | undefined): boolean {
  return node?.spec?.taints.some(({ key, effect }) => key === UNREACHABLE || effect === "NoExecute") === true;
}

function reconcile({ name }: ObjectKey, view: View, { nowMs }: { readonly nowMs: number }): Outcome {
  const node = view.get("Node", "", name);
  if (node === undefined || !isConcerned(node)) return NOTHING; // Deleted: the pod collector removes the pods.
  const writes: ObjectWrite[] = [];
  const notices: Notice[] = [];
  let againMs = isTainted(node, UNREACHABLE) ? unreachableAgainMs : Number.POSITIVE_INFINITY;
  for (const cached of view.podsOnNode(name)) {
    if (isPodFinished(cached.object)) continue;
    const waitMs = untilEvictedMs(cached.object, node, nowMs);
    const isEvicted = waitMs <= 0 && !isDeleting(cached.object);
    // Taint times are whole seconds, cut off.
    if (waitMs > 0) againMs = Math.min(againMs, waitMs + 1_000);
    const after = podAfter(cached, node, isEvicted, nowMs);
    if (after === cached.object) continue;
    writes.push(replace(cached, after));
    if (isEvicted) notices.push(eviction(cached, name));
    if (writes.length === limit("transactionObjects")) return { writes, notices, againMs: 0 };
  }
  return { writes, notices, againMs: Number.isFinite(againMs) ? againMs : undefined };
}

function podAfter({ object }: Cached<"Pod">, node: Node, isEvicted: boolean, nowMs: number): Pod {
  const seen = isTainted(node, UNREACHABLE) ? unknownPod(object, metaOf(node).name, nowMs) : object;
  if (!isEvicted) return seen;
  const deletion = deletionOf({ kind: "Pod", object: disrupted(seen, nowMs) }, { nowMs });
  return deletion.is === "mark" && deletion.typed.kind === "Pod" ? deletion.typed.object : seen;
}

/** Says that the pod ends through no fault of its own: a job's podFailurePolicy may ask. As in Kubernetes. */
function disrupted(pod: Pod, nowMs: number): Pod {
  const status = pod.status ?? PodStatus.fromPartial({});
  const message = "Taint manager: deleting due to NoExecute taint";
  const claim = { type: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager", message } as const;
  return { ...pod, status: { ...status, conditions: withCondition(status.conditions, claim, nowMs) } };
}

/** Only what is not known is changed: the agent, once it is back, says all of it anew. */
function unknownPod(pod: Pod, nodeName: string, nowMs: number): Pod {
  const before = pod.status ?? PodStatus.fromPartial({});
  const message = `Node ${nodeName} is unreachable: how the pod is cannot be known`;
  const lost = { status: "False", reason: "NodeLost", message } as const;
  const ready = withCondition(before.conditions, { type: "Ready", ...lost }, nowMs);
  const conditions = withCondition(ready, { type: "ContainersReady", ...lost }, nowMs);
  if (conditions === before.conditions && before.phase === "Unknown") return pod;
  const containerStatuses = before.containerStatuses.map((container) => ({ ...container, ready: false }));
  return { ...pod, status: { ...before, phase: "Unknown", conditions, containerStatuses } };
}

/** Milliseconds until a NoExecute taint evicts the pod; Infinity when none does. */
function untilEvictedMs(pod: Pod, node: Node, nowMs: number): number {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");
  return Math.min(Number.POSITIVE_INFINITY, ...taints.map((taint) => untilDrivenMs(pod, taint, nowMs)));
}

function untilDrivenMs(pod: Pod, taint: Taint, nowMs: number): number {
  const own = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
  if (own.length === 0) return 0;
  // As in Kubernetes: of several tolerations of one taint, the shortest counts.
  const seconds = own.flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [tolerationSeconds]));
  if (seconds.length === 0) return Number.POSITIVE_INFINITY;
  const addedMs = parseTime(taint.timeAdded);
  return Math.max(0, (Number.isNaN(addedMs) ? nowMs : addedMs) + Math.min(...seconds) * 1_000 - nowMs);
}

function eviction({ object }: Cached<"Pod">, nodeName: string): Notice {
  const { namespace, name } = metaOf(object);
  return {
    about: { kind: "Pod", namespace, name },
    type: "Warning",
    reason: "TaintManagerEviction",
    message: `Evicted from node ${nodeName}: it carries a taint that the pod does not tolerate`,
  };
}
