import type { Refusal } from "./filter.js";
import { FILTERS } from "./plugins.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";

/** One thing that a node has against a shape. */
export interface Objection extends Refusal {
  /** Name of the filter. */
  readonly filter: string;
}

/** A node, and all that it has against a shape; it takes the shape when that is nothing. */
export interface NodeObjections {
  readonly nodeName: string;
  readonly objections: readonly Objection[];
}

/** A single objection, and the nodes that have no other. */
export interface OnlyObjection {
  /** The amount missing is the least of all nodes. */
  readonly objection: Objection;
  /** Those with the least missing first, then by name. */
  readonly nodeNames: readonly string[];
}

/** Asks every filter about every node, beyond the first that refuses; nodes in order of name. For people: it costs many times a decision. */
export function explainNodes(snapshot: Snapshot, shape: Shape): readonly NodeObjections[] {
  snapshot.layOut();
  const asked = FILTERS.flatMap((filter) => {
    const sieve = filter.prepare(shape, snapshot);
    return sieve === undefined ? [] : [{ filter: filter.name, sieve }];
  });
  return snapshot.records.map(({ name }, slot) => ({
    nodeName: name,
    objections: asked.flatMap(({ filter, sieve }) => sieve.why(slot).map((refusal) => ({ filter, ...refusal }))),
  }));
}

/** What is the only thing against some nodes: were it different, they would take the shape. Those of most nodes first, then by reason. */
export function onlyObjections(nodes: readonly NodeObjections[]): readonly OnlyObjection[] {
  const groups = new Map<string, { readonly objection: Objection; readonly nodeName: string }[]>();
  for (const { nodeName, objections } of nodes) {
    const [only, ...others] = objections;
    if (only === undefined || others.length > 0) continue;
    const key = `${only.filter} ${only.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), { objection: only, nodeName }]);
  }
  const found = [...groups.values()].map((group) => {
    const sorted = group.toSorted((left, right) => missing(left.objection) - missing(right.objection));
    const nodeNames = sorted.map(({ nodeName }) => nodeName);
    return { objection: sorted[0]?.objection, nodeNames };
  });
  return found
    .flatMap(({ objection, nodeNames }) => (objection === undefined ? [] : [{ objection, nodeNames }]))
    .sort((left, right) => byWeight(left, right));
}

function missing({ shortBy }: Objection): number {
  return shortBy?.amount ?? 0;
}

function byWeight(left: OnlyObjection, right: OnlyObjection): number {
  const difference = right.nodeNames.length - left.nodeNames.length;
  if (difference !== 0) return difference;
  return left.objection.reason < right.objection.reason ? -1 : 1;
}
