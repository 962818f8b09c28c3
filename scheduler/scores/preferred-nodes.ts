import { matchesNodeTerm } from "../../kinds/node-selector.js";
import type { PreferredSchedulingTerm } from "../../proto/gen/tallship/v1/placement.js";
import type { NodeRecord } from "../node-record.js";
import { MAX_POINTS } from "../points.js";
import { addEach, type Score } from "../score.js";

/** Prefers nodes by the weights of the preferred terms of the pod's node affinity that they match; one that matches all gets all points. */
export const preferredNodes: Score = {
  name: "preferred-nodes",
  prepare: ({ nodeAffinity }, snapshot) => {
    const terms = nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (terms.length === 0) return undefined;
    const most = terms.reduce((total, { weight }) => total + weight, 0);
    // It hangs on labels alone, and those are good as long as what was prepared is.
    const own = snapshot.records.map((record) => Math.floor((MAX_POINTS * matchedWeight(terms, record)) / most));
    const pointsAt = (slot: number): number => own[slot] ?? 0;
    return {
      rise: () => 0,
      isRiseKnown: true,
      at: pointsAt,
      add: addEach(pointsAt),
    };
  },
};

function matchedWeight(terms: readonly PreferredSchedulingTerm[], { node }: NodeRecord): number {
  if (node === undefined) return 0;
  return terms
    .filter(({ preference }) => preference !== undefined && matchesNodeTerm(preference, node))
    .reduce((total, { weight }) => total + weight, 0);
}
