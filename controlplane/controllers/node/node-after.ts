import { metaOf } from "../../../kinds/object.js";
import { conditionOf } from "../../../kinds/pod-state.js";
import { parseTime, rfc3339 } from "../../../lib/clock.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { limit } from "../../../lib/limits.js";
import { Condition } from "../../../proto/gen/tallship/v1/meta.js";
import { type Node, NodeSpec, NodeStatus, type Taint } from "../../../proto/gen/tallship/v1/node.js";
import type { NodeReport } from "../../sessions/node-reports.js";
import type { Life } from "./liveness.js";
import { isTainted, NOT_READY, PRESSURE_TAINTS, UNREACHABLE, withTaint } from "./taints.js";

/** What a node's object is made from. */
export interface NodeGround {
  readonly report: NodeReport | undefined;
  readonly life: Life;
  readonly isMassLoss: boolean;
  readonly nowMs: number;
}

/**
 * The node's object as it should be: what the node says of itself while it speaks, Unknown once it is lost, and the taints that follow. The
 * very same object when nothing changed; a heartbeat alone changes nothing. Pure.
 */
export function nodeAfter(node: Node, ground: NodeGround): Node {
  const status = statusAfter(node, ground);
  const taints = withTimes(taintsAfter({ ...node, status }, ground), ground.nowMs);
  const meta = metaOf(node);
  const labels = { ...meta.labels, ...(ground.life === "heard" ? ground.report?.labels : {}) };
  const before = node.spec ?? NodeSpec.fromPartial({});
  const isSameSpec = taints === before.taints;
  if (isSameSpec && status === node.status && deepEqual(labels, meta.labels)) return node;
  const generation = isSameSpec ? meta.generation : meta.generation + 1;
  return { ...node, metadata: { ...meta, labels, generation }, spec: { ...before, taints }, status };
}

function statusAfter(node: Node, { report, life, nowMs }: NodeGround): NodeStatus | undefined {
  const before = node.status ?? NodeStatus.fromPartial({});
  const after = { ...before, conditions: before.conditions };
  if (life === "lost" || life === "gone")
    return pick(node, { ...after, conditions: unknown(before.conditions, nowMs) });
  if (life !== "heard" || report === undefined) return node.status;
  const said = report.status.conditions.some(({ type }) => type === "Ready")
    ? report.status.conditions
    : [...report.status.conditions, fine];
  // An agent that begins anew knows nothing of its network yet, which stands all the same: peers that lost the way to its pods would drop their packets.
  const overlay = report.status.overlay ?? before.overlay;
  return pick(node, { ...report.status, overlay, conditions: settle(before.conditions, said, nowMs) });
}

/** A node that speaks and says nothing else is ready. */
const fine = Condition.fromPartial({ type: "Ready", status: "True", reason: "AgentReady" });

function pick(node: Node, after: NodeStatus): NodeStatus | undefined {
  return deepEqual(after, node.status) ? node.status : after;
}

/** What is said, with the times at which it began to be said. */
function settle(before: readonly Condition[], said: readonly Condition[], nowMs: number): readonly Condition[] {
  return said.map((condition) => {
    const { type, status, reason, message } = condition;
    const old = conditionOf(before, type);
    if (old?.status === status && old.reason === reason && old.message === message) return old;
    const now = rfc3339(nowMs);
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : now;
    return Condition.fromPartial({ type, status, reason, message, lastTransitionTime, lastHeartbeatTime: now });
  });
}

function unknown(before: readonly Condition[], nowMs: number): readonly Condition[] {
  const known = conditionOf(before, "Ready") === undefined ? [...before, fine] : before;
  const lost = { status: "Unknown", reason: "NodeStatusUnknown", message: "The node stopped sending heartbeats." };
  return settle(
    before,
    known.map((condition) => ({ ...condition, ...lost })),
    nowMs,
  );
}

function taintsAfter(node: Node, { life, isMassLoss, nowMs }: NodeGround): readonly Taint[] {
  const taints = node.spec?.taints ?? [];
  if (life === "heard") {
    const reachable = withTaint(taints, UNREACHABLE, [], nowMs);
    const fit = withTaint(reachable, NOT_READY, unfitEffects(node, nowMs), nowMs);
    return withPressure(fit, node, nowMs);
  }
  if (isMassLoss || (life !== "lost" && life !== "gone")) return taints;
  const isEvicting = life === "gone" || isTainted(node, UNREACHABLE, "NoExecute");
  const unreachable = withTaint(taints, UNREACHABLE, isEvicting ? ["NoSchedule", "NoExecute"] : ["NoSchedule"], nowMs);
  return withTaint(unreachable, NOT_READY, [], nowMs);
}

/** A node that lacks something takes no new pods; those that it has are its agent's to choose among. */
function withPressure(taints: readonly Taint[], { status }: Node, nowMs: number): readonly Taint[] {
  return Object.entries(PRESSURE_TAINTS).reduce((soFar, [condition, key]) => {
    const isPressed = conditionOf(status?.conditions, condition)?.status === "True";
    return withTaint(soFar, key, isPressed ? ["NoSchedule"] : [], nowMs);
  }, taints);
}

/** A user's NoExecute taint has no time: pods that tolerate it for a while are counted from when it was first seen. As in Kubernetes. */
function withTimes(taints: readonly Taint[], nowMs: number): readonly Taint[] {
  const isTimeless = ({ effect, timeAdded }: Taint): boolean => effect === "NoExecute" && timeAdded === "";
  if (!taints.some(isTimeless)) return taints;
  return taints.map((taint) => (isTimeless(taint) ? { ...taint, timeAdded: rfc3339(nowMs) } : taint));
}

/** A node that says it is not ready is believed once it has said so for a while: an agent that starts says it for a moment. */
function unfitEffects({ status }: Node, nowMs: number): readonly ("NoSchedule" | "NoExecute")[] {
  const ready = conditionOf(status?.conditions, "Ready");
  if (ready === undefined || ready.status === "True") return [];
  const sinceMs = nowMs - parseTime(ready.lastTransitionTime);
  if (sinceMs < limit("nodeNotReadyMs")) return [];
  return sinceMs < limit("nodeUnfitEvictMs") ? ["NoSchedule"] : ["NoSchedule", "NoExecute"];
}
