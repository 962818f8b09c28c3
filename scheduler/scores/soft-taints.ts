import { tolerates } from "../../kinds/tolerates.js";
import type { Toleration } from "../../proto/gen/tallship/v1/placement.js";
import type { NodeRecord } from "../node-record.js";
import { crowding } from "../points.js";
import type { Score } from "../score.js";

/** Avoids nodes with taints of effect PreferNoSchedule that the pod does not tolerate; the more of them, the more. */
export const softTaints: Score = {
  name: "soft-taints",
  prepare: ({ tolerations }, snapshot) => {
    const tainted = snapshot.softTainted.among(snapshot.records, snapshot.nodesVersion);
    if (tainted.length === 0) return undefined;
    // It hangs on taints alone, and those are good as long as what was prepared is.
    const own = new Map(tainted.map((record) => [record.slot, -crowding(untoleratedCount(record, tolerations))]));
    return {
      ceiling: 0,
      rise: () => 0,
      isRiseKnown: true,
      at: (slot) => own.get(slot) ?? 0,
      add: (points, weight, from, to) => {
        for (const [slot, count] of own)
          if (slot >= from && slot < to) points[slot] = (points[slot] ?? 0) + weight * count;
      },
    };
  },
};

function untoleratedCount({ node }: NodeRecord, tolerations: readonly Toleration[]): number {
  const soft = node?.spec?.taints.filter(({ effect }) => effect === "PreferNoSchedule") ?? [];
  return soft.filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint))).length;
}
