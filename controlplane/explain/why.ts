import { metaOf } from "../../kinds/object.js";
import { isDeleting, isPodFinished } from "../../kinds/pod-state.js";
import { claimsOfPod } from "../../kinds/storage.js";
import {
  type NodeAnswer,
  type NodeScore,
  type Objection,
  type Relaxation,
  type Victim,
  WhyResponse,
} from "../../proto/gen/tallship/v1/explain.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { besideOwnRoom, undo } from "../../scheduler/attempt.js";
import {
  explainNodes,
  type Objection as NodeObjection,
  type NodeObjections,
  onlyObjections,
} from "../../scheduler/explain-nodes.js";
import { explainScores } from "../../scheduler/explain-scores.js";
import { attemptGang, type Gang } from "../../scheduler/gang.js";
import { amountText, refusalText } from "../../scheduler/refusals.js";
import { type Decision, schedule } from "../../scheduler/schedule.js";
import type { Shape } from "../../scheduler/shape.js";
import type { View } from "../cache/view.js";
import type { WaitingPod } from "../scheduling/backlog.js";
import { remnantsOf } from "../scheduling/remnants.js";
import type { SchedulerState } from "../scheduling/scheduler-state.js";

/** Nodes that are named for one thing that would help. */
const MOST_NAMED = 10;
/** Nodes whose scores are told, beside the pod's own. */
const MOST_SCORED = 5;

/** Says why a pod is where it is, to the scheduler. Pure; the picture is as before afterwards. */
export function whyOf(state: SchedulerState, view: View, pod: Pod): WhyResponse {
  const { revision } = view;
  const waiting = state.backlog.get(metaOf(pod).uid);
  if (waiting === undefined)
    return WhyResponse.fromPartial({ notTried: notTriedText(pod), scores: scoresOfPlaced(state, pod), revision });
  const held = state.whyHeld(waiting);
  if (held !== "") return WhyResponse.fromPartial({ notTried: held, revision });
  const { snapshot } = state;
  const nodes = besideOwnRoom(snapshot, waiting.id, () => explainNodes(snapshot, waiting.shape));
  const decision = decide(state, waiting);
  return {
    notTried: "",
    summary: decision.summary,
    takenBy: decision.takenBy,
    nodes: nodes.map(answerOf),
    relaxations: relaxationsOf(nodes),
    victims: victimsOf(state, wholeOf(state, decision.evictions), view),
    aheadCount: state.backlog.aheadOf(waiting),
    preemption: preemptionText(state, waiting, decision),
    scores:
      decision.subject === "no node fits" && decision.takenBy !== ""
        ? scoresOf(state, waiting.shape, decision.takenBy)
        : [],
    revision,
  };
}

/** What the scheduler would decide of a pod now. */
interface Verdict {
  /** Empty: no node. */
  readonly takenBy: string;
  readonly evictions: Decision<WaitingPod>["evictions"];
  readonly summary: string;
  /** What does not fit even without pods of lower priority. */
  readonly subject: "no node fits" | "the group does not fit";
}

/** How the nodes that would take a pod of the shape compare: the first of them, and the one of that name. */
function scoresOf({ snapshot, standings }: SchedulerState, shape: Shape, nodeName: string): readonly NodeScore[] {
  const all = explainScores(snapshot, shape, standings.policy);
  if (all.length < 2) return [];
  const scores = all.map(({ nodeName: node, points, parts }, at) => ({
    node,
    rank: at + 1,
    points,
    parts: [...parts],
  }));
  return scores.filter(({ node, rank }) => rank <= MOST_SCORED || node === nodeName);
}

/** How its node compares with others now, for a pod that has one: as if it were to be placed again. */
function scoresOfPlaced(state: SchedulerState, pod: Pod): readonly NodeScore[] {
  const { snapshot } = state;
  const { uid } = metaOf(pod);
  const tenant = snapshot.tenant(uid);
  const nodeName = snapshot.nodeOf(uid);
  // Where its volumes are is no question any more to a pod that has its node.
  if (tenant === undefined || nodeName === undefined || claimsOfPod(pod).length > 0) return [];
  snapshot.remove(uid);
  const scores = scoresOf(state, tenant.shape, nodeName);
  snapshot.place(uid, tenant.shape, nodeName, tenant.tenure);
  return scores;
}

function decide(state: SchedulerState, waiting: WaitingPod): Verdict {
  const way = state.wayOf(waiting);
  if (typeof way === "object") return decideTogether(state, waiting, way);
  const { bindings, evictions, refusals } = schedule(state.snapshot, [waiting], { standings: state.standings });
  const [refused] = refusals;
  return {
    takenBy: bindings[0]?.nodeName ?? "",
    evictions,
    summary: refused === undefined ? "" : refusalText(refused.refusals),
    subject: "no node fits",
  };
}

/** A pod that is placed with others is taken when all are, whatever node there is for it alone. */
function decideTogether(state: SchedulerState, waiting: WaitingPod, gang: Gang<WaitingPod>): Verdict {
  const { snapshot, standings } = state;
  const attempts = attemptGang(snapshot, gang, standings) ?? [];
  undo(snapshot, attempts);
  const subject = "the group does not fit";
  const own = attempts.find(({ pod, is }) => pod.id === waiting.id && is === "bound");
  const evictions = attempts.flatMap(({ pod, nodeName, victims }) =>
    victims.map(({ id }) => ({ podId: id, nodeName, preemptor: pod })),
  );
  if (own !== undefined) return { takenBy: own.nodeName, evictions, summary: "", subject };
  const alone = schedule(snapshot, gang.pods, { standings });
  const found = alone.bindings.length;
  const count = found === 0 ? "none finds one" : `${found} of ${gang.pods.length} would find one`;
  const where = gang.topologyKey === "" ? "" : `, not all within one ${gang.topologyKey}`;
  const refusals = alone.refusals.find(({ pod }) => pod.id === waiting.id) ?? alone.refusals[0];
  const whom = found === 0 ? "each" : "the next";
  const why = refusals === undefined ? "" : `; ${whom}: ${refusalText(refusals.refusals)}`;
  return { takenBy: "", evictions, summary: `${state.groupNeed(waiting)}: ${count}${where}${why}`, subject };
}

function preemptionText(state: SchedulerState, { id, preempts }: WaitingPod, decision: Verdict): string {
  if (decision.takenBy !== "" || decision.evictions.length > 0) return "";
  const kept = state.reservedNode(id);
  if (kept !== undefined) return `room is being made for it on node ${kept}: pods of lower priority are ending there`;
  if (!preempts) return "it may not preempt others: its preemptionPolicy is Never";
  const whose = decision.subject === "no node fits" ? "its pods" : "pods";
  return `preemption would not help: ${decision.subject} even without ${whose} of lower priority`;
}

function notTriedText(pod: Pod): string {
  const { nodeName = "", schedulerName = "", schedulingGates = [] } = pod.spec ?? {};
  if (isPodFinished(pod)) return "it has finished";
  if (nodeName !== "") return `it is bound to node ${nodeName}`;
  if (isDeleting(pod)) return "it is being deleted";
  if (schedulingGates.length > 0)
    return `it waits for its scheduling gates to be removed: ${schedulingGates.map(({ name }) => name).join(", ")}`;
  return `it is left to the scheduler "${schedulerName}"`;
}

function answerOf({ nodeName, objections }: NodeObjections): NodeAnswer {
  return { node: nodeName, objections: objections.map(objectionOf) };
}

function objectionOf({ filter, reason, shortBy }: NodeObjection): Objection {
  return { filter, reason, shortBy: shortBy === undefined ? "" : amountText(shortBy) };
}

function relaxationsOf(nodes: readonly NodeObjections[]): readonly Relaxation[] {
  return onlyObjections(nodes).map(({ objection, nodeNames }) => ({
    objection: objectionOf(objection),
    nodes: nodeNames.slice(0, MOST_NAMED),
    nodeCount: nodeNames.length,
  }));
}

/** The pods that would make room, and with them what could do nothing without them. */
function wholeOf(state: SchedulerState, evictions: Decision<WaitingPod>["evictions"]): readonly string[] {
  const ids = evictions.map(({ podId }) => podId);
  return [...ids, ...remnantsOf(state, ids)];
}

/** Pods that have nodes and would have to leave them, by the names that people know them by. */
export function victimsOf({ snapshot }: SchedulerState, ids: readonly string[], view: View): readonly Victim[] {
  return ids.flatMap((id) => {
    const node = snapshot.nodeOf(id) ?? "";
    const found = view.podsOnNode(node).find(({ object }) => metaOf(object).uid === id);
    if (found === undefined) return [];
    const { namespace, name } = metaOf(found.object);
    return [{ namespace, name, priority: found.object.spec?.priority ?? 0, node }];
  });
}
