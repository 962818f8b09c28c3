import { tolerates } from "../../kinds/tolerates.js";
import type { Toleration } from "../../proto/gen/tallship/v1/placement.js";
import type { NodeRecord } from "../node-record.js";
import { MAX_POINTS, type Score } from "../score.js";

/** Avoids nodes with taints of effect PreferNoSchedule that the pod does not tolerate; the more of them, the more. */
export const softTaints: Score = {
  name: "soft-taints",
  prepare: ({ tolerations }, snapshot) => {
    const tainted = snapshot.softTainted.among(snapshot.records, snapshot.nodesVersion);
    if (tainted.length === 0) return undefined;
    return {
      ceiling: 0,
      rise: () => 0,
      add: (points, weight, from, to) => {
        for (const record of tainted) {
          const { slot } = record;
          if (slot < from || slot >= to) continue;
          const count = untoleratedCount(record, tolerations);
          points[slot] = (points[slot] ?? 0) - weight * (MAX_POINTS - Math.floor(MAX_POINTS / (1 + count)));
        }
      },
    };
  },
};

function untoleratedCount({ node }: NodeRecord, tolerations: readonly Toleration[]): number {
  const soft = node?.spec?.taints.filter(({ effect }) => effect === "PreferNoSchedule") ?? [];
  return soft.filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint))).length;
}
