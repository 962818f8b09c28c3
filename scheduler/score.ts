import type { Box } from "./box.js";
import { MAX_POINTS } from "./points.js";
import type { Shape } from "./shape.js";
import type { Load } from "./slot-loads.js";
import type { Snapshot } from "./snapshot.js";
import type { Topology } from "./topology.js";

/** Says which of the nodes that could run a pod should. Pure, as filters are. */
export interface Score {
  readonly name: string;
  /** Does the work of a pod's shape once. Undefined when all nodes would get the same points. */
  prepare(shape: Shape, snapshot: Snapshot): Scorer | undefined;
  /**
   * The most that `rise` would say for any shape that is scored as no more than `largest`; absent: nobody knows, or `rise` never says more than 0.
   * Found out once for all shapes, it spares each the question.
   */
  riseForAll?(load: Load, largest: Shape["scored"], snapshot: Snapshot): number;
}

/** A score made ready for one shape. */
export interface Scorer {
  /** The points of the slot, before weight; what is only disliked takes points. */
  at(slot: number): number;
  /** Adds weight × the points of each slot in [from, to). For many slots quicker than one by one. */
  add(points: Float64Array, weight: number, from: number, to: number): void;
  /**
   * The most that the points of a slot, before weight, can have risen with what was added there, use being what it is now. Absent: they may rise to
   * any. Nodes whose points can only have fallen are not looked at before it is their turn, so that a score without it makes all decisions slower.
   */
  rise?(load: Load): number;
  /** `rise` never says more than 0, or never more than its score's `riseForAll`. */
  readonly isRiseKnown?: true;
  /** Grows when points may have changed at other slots than those that the snapshot names. Absent: they never do. */
  farChanges?(): number;
  /** All slots of a domain of it, and all slots in none, get the same points. Absent: each slot has its own. */
  readonly region?: Topology | undefined;
  /** The most points, before weight, that it gives anywhere; absent: MAX_POINTS. 0 for what only takes points. */
  readonly ceiling?: number;
  /** The most points, before weight, that it gives to nodes whose use before the pod is in the box. Absent: use does not matter to it. */
  within?(box: Box): number;
  /** Scorers that together are this one, asked in its place where it matters which of them are regional. */
  readonly parts?: readonly Scorer[];
}

/** One scorer of several: their points are added. Undefined when there are none. */
export function sumOf(parts: readonly Scorer[]): Scorer | undefined {
  if (parts.length === 0) return undefined;
  return {
    parts,
    ceiling: parts.reduce((sum, { ceiling = MAX_POINTS }) => sum + ceiling, 0),
    at: (slot) => parts.reduce((sum, part) => sum + part.at(slot), 0),
    add: (points, weight, from, to) => {
      for (const part of parts) part.add(points, weight, from, to);
    },
  };
}

/** Adds slot by slot. */
export function addEach(at: Scorer["at"]): Scorer["add"] {
  return (points, weight, from, to) => {
    for (let slot = from; slot < to; slot += 1) points[slot] = (points[slot] ?? 0) + weight * at(slot);
  };
}
