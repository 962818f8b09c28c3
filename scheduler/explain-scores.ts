import { POLICIES, type PolicyName, policyFor } from "./plugins.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import { prepareSieves } from "./standing.js";

/** What one score says of a node, times its weight: MAX_POINTS for each of its weight at most; what is disliked takes points. */
export interface ScorePart {
  /** Name of the score. */
  readonly score: string;
  readonly points: number;
}

/** A node that would take a shape, and what speaks for it. */
export interface NodeScore {
  readonly nodeName: string;
  /** The sum of the parts. */
  readonly points: number;
  /** Scores that have something to say of the shape, the same for all nodes, in the order of its policy. */
  readonly parts: readonly ScorePart[];
}

/** The nodes that would take the shape, in the order in which they would be chosen. For people: it costs many times a decision. */
export function explainScores(snapshot: Snapshot, shape: Shape, policy: PolicyName): readonly NodeScore[] {
  snapshot.layOut();
  const sieves = prepareSieves(shape, snapshot);
  const asked = POLICIES[policyFor(shape, policy, snapshot.devices)].flatMap(({ score, weight }) => {
    const scorer = score.prepare(shape, snapshot);
    return scorer === undefined ? [] : [{ score: score.name, pointsAt: (slot: number) => weight * scorer.at(slot) }];
  });
  const fitting = snapshot.records.filter(({ slot }) => sieves.every((sieve) => sieve.lets(slot)));
  return fitting
    .map(({ name, slot }) => {
      const parts = asked.map(({ score, pointsAt }) => ({ score, points: pointsAt(slot) }));
      return { nodeName: name, points: parts.reduce((sum, { points }) => sum + points, 0), parts };
    })
    .sort((left, right) => right.points - left.points);
}
