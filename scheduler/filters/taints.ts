import type { Toleration } from "../../proto/gen/tallship/v1/placement.js";
import { type Filter, type Refusal, siftBy } from "../filter.js";
import type { NodeRecord } from "../node-record.js";
import { findUntolerated, taintText } from "../tolerations.js";

/** Refuses nodes with a taint of effect NoSchedule or NoExecute that the pod does not tolerate. */
export const taints: Filter = {
  name: "taints",
  isStatic: true,
  prepare: ({ tolerations }, snapshot) => {
    const why = (slot: number): readonly Refusal[] => refusals(tolerations, snapshot.records[slot]);
    const lets = (slot: number): boolean => why(slot).length === 0;
    return {
      lets,
      sift: siftBy(lets),
      why,
    };
  },
};

function refusals(tolerations: readonly Toleration[], record: NodeRecord | undefined): readonly Refusal[] {
  const taint = findUntolerated(record?.node?.spec?.taints, tolerations, ["NoSchedule", "NoExecute"]);
  return taint === undefined ? [] : [{ reason: `tainted ${taintText(taint)}` }];
}
