import type { NodeScore, Objection, Relaxation, WhyResponse } from "../../proto/gen/tallship/v1/explain.js";
import { formatTable } from "../table.js";

/** Nodes that are listed one by one; of more, only the counts are told. */
const MOST_NODES = 40;

/** Why a pod has no node: the counts, each node with all that it has against the pod, and what would help. */
export function whyLines(why: WhyResponse): readonly string[] {
  if (why.notTried !== "") return [`no node is looked for: ${why.notTried}`];
  if (why.takenBy !== "")
    return [`node ${why.takenBy} takes it: it is about to be bound${queueText(why)}`, ...scoreLines(why.scores)];
  return [why.summary, ...nodeLines(why), ...relaxationLines(why), ...victimLines(why), ...aheadLines(why)];
}

function queueText({ aheadCount }: WhyResponse): string {
  return aheadCount === 0 ? "" : `, after ${podsText(aheadCount)} that ${aheadCount === 1 ? "goes" : "go"} before it`;
}

/** Of a group that needs more nodes at once than there are, each of its pods alone may have nothing against it anywhere. */
function isRefused({ nodes }: WhyResponse): boolean {
  return nodes.some(({ objections }) => objections.length > 0);
}

function nodeLines(why: WhyResponse): readonly string[] {
  const { nodes } = why;
  if (!isRefused(why)) return [];
  const shown = nodes.slice(0, MOST_NODES);
  const rows = shown.flatMap(({ node, objections }) =>
    objections.map(({ filter, reason, shortBy }, at) => [at === 0 ? node : "", filter, shortText(reason, shortBy)]),
  );
  const more = nodes.length > shown.length ? [`and ${nodes.length - shown.length} more nodes`] : [];
  const table = formatTable([["NODE", "FILTER", "WHY NOT"], ...rows]).trimEnd();
  return ["", ...table.split("\n"), ...more];
}

function shortText(reason: string, shortBy: string): string {
  return shortBy === "" ? reason : `${reason} (short by ${shortBy})`;
}

function relaxationLines(why: WhyResponse): readonly string[] {
  const { relaxations } = why;
  if (!isRefused(why)) return [];
  if (relaxations.length === 0) return ["", "Every node has more than one thing against it."];
  return ["", "One change would be enough:", ...relaxations.map((each) => `  ${relaxationText(each)}`)];
}

function relaxationText({ objection, nodes, nodeCount }: Relaxation): string {
  const more = nodeCount > nodes.length ? ` and ${nodeCount - nodes.length} more` : "";
  return `${remedyText(objection)}: ${nodes.join(", ")}${more}`;
}

/** What to change, where the words can say it; else what would have to be gone. */
function remedyText(objection: Objection | undefined): string {
  const { filter = "", reason = "", shortBy = "" } = objection ?? {};
  const resource = /^insufficient (.+)$/.exec(reason)?.[1];
  if (resource !== undefined) return `${shortBy} less ${resource} requested, or so much more free`;
  const taint = /^tainted (.+)$/.exec(reason)?.[1];
  if (taint !== undefined) return `a toleration for ${taint}`;
  const model = /^no device of model (.+)$/.exec(reason)?.[1];
  if (model !== undefined) return `a device of model ${model} on the node, or another tallship.dev/gpu-model`;
  const label = /^without label (.+)$/.exec(reason)?.[1];
  if (label !== undefined) return `label ${label} on the node, or not demanded`;
  return REMEDIES[reason] ?? `without this (${filter}): ${reason}`;
}

const REMEDIES: Readonly<Record<string, string>> = {
  cordoned: "the node uncordoned",
  "not ready": "the node ready",
  "too many pods": "one pod fewer on the node",
  "outside the pod's node affinity": "another node affinity",
  "no pod it wants to be near": "another pod affinity, or a pod that it wants to be near",
  "too close to pods it keeps away from": "another pod anti-affinity",
};

function victimLines({ victims, preemption }: WhyResponse): readonly string[] {
  if (victims.length === 0) return ["", `${preemption.slice(0, 1).toUpperCase()}${preemption.slice(1)}.`];
  const names = victims.map(({ namespace, name, priority }) => `${namespace}/${name} (priority ${priority})`);
  return ["", `Preemption makes room on ${victims[0]?.node}: ${names.join(", ")} would have to go.`];
}

function aheadLines({ aheadCount }: WhyResponse): readonly string[] {
  return aheadCount === 0
    ? []
    : [`${podsText(aheadCount)} without a node ${aheadCount === 1 ? "goes" : "go"} before it.`];
}

function podsText(count: number): string {
  return count === 1 ? "1 pod" : `${count} pods`;
}

/** The nodes that would be chosen first and what each score says of them; `current` is the one that the pod is on. */
export function scoreLines(scores: readonly NodeScore[], current = ""): readonly string[] {
  const [first] = scores;
  if (first === undefined) return [];
  const rows = scores.map(({ node, rank, points, parts }) => [
    `${rank}`,
    node === current ? `${node} (its node)` : node,
    ...[points, ...parts.map((each) => each.points)].map(pointsText),
  ]);
  const columns = ["RANK", "NODE", "SCORE", ...first.parts.map(({ score }) => score.toUpperCase())];
  return [
    "",
    ...formatTable([columns, ...rows])
      .trimEnd()
      .split("\n"),
  ];
}

/** A score of weight 1 gives a hundred points at most, as in Kubernetes. */
function pointsText(points: number): string {
  return `${points / POINTS_PER_SHOWN}`;
}

const POINTS_PER_SHOWN = 10_000;
