import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { conditionOf } from "../../../kinds/pod-state.js";
import { rfc3339 } from "../../../lib/clock.js";
import { limit } from "../../../lib/limits.js";
import { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import { type Node, NodeSpec, NodeStatus } from "../../../proto/gen/tallship/v1/node.js";
import type { Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import { heartbeatMsFor, rarityOf } from "../../sessions/heartbeat-pace.js";
import type { NodeReport, NodeReports } from "../../sessions/node-reports.js";
import type { Controller, ObjectWrite, Outcome, ReconcileContext } from "../controller.js";
import { create, replace } from "../writes.js";
import { type Judgement, judge, type Life } from "./liveness.js";
import { nodeAfter } from "./node-after.js";
import { type NodeSubnets, nodeSubnetsOf } from "./subnets.js";
import { isTainted, PRESSURE_TAINTS, UNREACHABLE } from "./taints.js";

/** What the node controller knows beside the view. */
export interface NodeParts {
  readonly reports: NodeReports;
  /** When this replica began to lead, by the monotonic clock: every node gets a full period from then. */
  readonly leadingSinceMs: number;
  readonly podCIDR: string;
  readonly nodePrefixLength: number;
  /** Range of IPv6; empty or absent: none. */
  readonly podCIDRIPv6?: string;
}

/** All nodes are one piece of work: subnets must differ, and whether nodes are lost is judged together. */
const everyNode: ObjectKey = { kind: "Node", namespace: "", name: "" };

/** How often nodes that are not ready are looked at: what follows depends on for how long. */
const unfitAgainMs = 1_000;

/**
 * Keeps node objects as the sessions say: creates them with a pod subnet of their own, writes their status when it changes (never per
 * heartbeat), and taints nodes that are lost or not ready. Nothing is tainted while most nodes are missing at once.
 */
export function nodes(parts: NodeParts): Controller {
  const memory = new Map<string, Settled>();
  return {
    name: "node",
    keysFor: ({ key }) => (key.kind === "Node" ? [everyNode] : []),
    reconcile: (_key, view, context) => reconcile(parts, memory, view, context),
    listen: (want) => {
      want(everyNode);
      return parts.reports.onChange(() => want(everyNode));
    },
  };
}

/** What a node was last found to need nothing for; spares looking at it again until one of these changes. */
interface Settled {
  readonly node: Node;
  readonly report: NodeReport | undefined;
  readonly life: Life;
  readonly isMassLoss: boolean;
}

function reconcile(parts: NodeParts, memory: Map<string, Settled>, view: View, context: ReconcileContext): Outcome {
  const cached = view.list("Node");
  const judgement = judge(heardOf(parts, cached), parts.leadingSinceMs, context.monotonicMs);
  const most = limit("transactionObjects");
  const writes: ObjectWrite[] = [...register(parts, cached, view, context)];
  const notices: Notice[] = [];
  if (memory.size > cached.length) memory.clear();
  let isUnfit = false;
  for (const node of cached) {
    if (writes.length >= most) return { writes, notices, againMs: 0 };
    const after = settled(parts, memory, node.object, judgement, context.nowMs);
    isUnfit ||= conditionOf(after.status?.conditions, "Ready")?.status === "False";
    if (after === node.object || (node.object.spec?.podCIDR ?? "") === "") continue;
    writes.push(replace(node, after));
    notices.push(...noticesOf(node.object, after));
  }
  const againMs = Math.min(
    judgement.againMs ?? Number.POSITIVE_INFINITY,
    isUnfit ? unfitAgainMs : Number.POSITIVE_INFINITY,
  );
  return { writes, notices, againMs: Number.isFinite(againMs) ? againMs : undefined };
}

function heardOf({ reports }: NodeParts, cached: readonly Cached<"Node">[]) {
  // Of one that has not said anything, the interval that it will be told.
  const everyMs = heartbeatMsFor(cached.length);
  return cached.map(({ object }) => {
    const { name } = metaOf(object);
    const report = reports.get(name);
    return {
      name,
      heardAtMs: report?.heardAtMs,
      everyMs: report?.everyMs ?? everyMs,
      isEvicted: isTainted(object, UNREACHABLE, "NoExecute"),
    };
  });
}

function settled(
  { reports }: NodeParts,
  memory: Map<string, Settled>,
  node: Node,
  { lives, isMassLoss }: Judgement,
  nowMs: number,
): Node {
  const { name } = metaOf(node);
  const report = reports.get(name);
  const life = lives.get(name) ?? "awaited";
  const known = memory.get(name);
  const isKnown = known?.node === node && known.life === life && known.isMassLoss === isMassLoss;
  if (isKnown && known.report?.status === report?.status && known.report?.labels === report?.labels) return node;
  const after = nodeAfter(node, { report, life, isMassLoss, nowMs });
  const isAtRest = after === node && conditionOf(node.status?.conditions, "Ready")?.status !== "False";
  if (isAtRest) memory.set(name, { node, report, life, isMassLoss });
  else memory.delete(name);
  return after;
}

/** Writes that give every node that reports an object, and every node object a subnet that no other has. */
function register(
  parts: NodeParts,
  cached: readonly Cached<"Node">[],
  view: View,
  context: ReconcileContext,
): readonly ObjectWrite[] {
  // A session may look open long after its host is gone, and an operator may have deleted the node since.
  const isHere = (report: NodeReport): boolean =>
    report.isConnected && context.monotonicMs - report.heardAtMs <= rarityOf(report.everyMs) * limit("nodeNotReadyMs");
  const missing = parts.reports.all().filter((report) => isHere(report) && !isKnown(view, report.nodeName));
  const bare = cached.filter(({ object }) => (object.spec?.podCIDR ?? "") === "");
  if (missing.length + bare.length === 0) return [];
  const nextSubnets = nodeSubnetsOf(
    parts,
    cached.flatMap(({ object }) => [object.spec?.podCIDR ?? "", ...(object.spec?.podCIDRs ?? [])]),
  );
  const nodes = [
    ...bare.map((node) => ({ name: metaOf(node.object).name, node })),
    ...missing.map(({ nodeName }) => ({ name: nodeName, node: undefined })),
  ].slice(0, limit("transactionObjects"));
  return nodes.flatMap(({ name, node }) => {
    const subnets = nextSubnets();
    if (node === undefined) return [create("Node", newNode(parts.reports.get(name), name, subnets, context))];
    const before = node.object.spec ?? NodeSpec.fromPartial({});
    if (subnets === undefined) return [];
    return [replace(node, { ...node.object, spec: { ...before, ...subnets } })];
  });
}

function isKnown(view: View, name: string): boolean {
  return view.get("Node", "", name) !== undefined;
}

function newNode(
  report: NodeReport | undefined,
  name: string,
  subnets: NodeSubnets | undefined,
  { nowMs, newUid }: ReconcileContext,
): Node {
  const creationTimestamp = rfc3339(nowMs);
  const metadata = ObjectMeta.fromPartial({ name, uid: newUid(), generation: 1, creationTimestamp });
  if (subnets === undefined)
    return { metadata, spec: NodeSpec.fromPartial({}), status: NodeStatus.fromPartial({ conditions: [exhausted] }) };
  const bare: Node = { metadata, spec: NodeSpec.fromPartial(subnets) };
  return nodeAfter(bare, { report, life: "heard", isMassLoss: false, nowMs });
}

const exhausted = {
  type: "Ready",
  status: "False",
  reason: "PodSubnetsExhausted",
  message: "The cluster's pod addresses have no subnet left for this node: delete nodes that are gone.",
};

function noticesOf(before: Node, after: Node): readonly Notice[] {
  const [was, is] = [before, after].map(({ status }) => conditionOf(status?.conditions, "Ready"));
  const { name } = metaOf(after);
  const about: ObjectKey = { kind: "Node", namespace: "", name };
  const notices: Notice[] = [];
  if (was !== undefined && is !== undefined && was.status !== is.status)
    notices.push({
      about,
      type: is.status === "True" ? "Normal" : "Warning",
      reason: is.status === "True" ? "NodeReady" : "NodeNotReady",
      message: `Node ${name} is ${is.status === "True" ? "ready" : is.status === "Unknown" ? "unreachable" : "not ready"}`,
    });
  notices.push(...pressureNotices(before, after, about));
  const [bootBefore, boot] = [before, after].map(({ status }) => status?.nodeInfo?.bootID ?? "");
  if (bootBefore !== "" && bootBefore !== boot)
    notices.push({
      about,
      type: "Warning",
      reason: "Rebooted",
      message: `Node ${name} has been rebooted, boot id ${boot}`,
    });
  return notices;
}

/** With the reason that the node gives: a node that lacks something says what. */
function pressureNotices(before: Node, after: Node, about: ObjectKey): readonly Notice[] {
  return Object.keys(PRESSURE_TAINTS).flatMap((type): readonly Notice[] => {
    const [was, is] = [before, after].map(({ status }) => conditionOf(status?.conditions, type));
    const isPressed = is?.status === "True";
    if (is === undefined || is.status === "Unknown" || isPressed === (was?.status === "True")) return [];
    const said = is.message === "" ? "" : `: ${is.message}`;
    return [
      {
        ...{ about, type: isPressed ? "Warning" : "Normal" },
        reason: isPressed ? `NodeHas${type}` : `NodeHasNo${type}`,
        message: `Node ${about.name} status is now: ${is.reason}${said}`,
      },
    ];
  });
}
