import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import type { NodeTraits } from "../assemble.js";
import { LEAST_OOM_SCORE } from "../oci/oom-score.js";

/** Type of the condition that says what the kernel does not let the agent do for pods. */
export const RIGHTS_CONDITION = "RightsLimited";

/** The node's condition; none where the agent may do everything. What a pod loses by it is told of the pod too. */
export function rightsConditions({
  oomScoreFloor,
  hardLimits,
}: Pick<NodeTraits, "oomScoreFloor" | "hardLimits">): readonly NodeConditionReport[] {
  const refused = [
    ...(oomScoreFloor > LEAST_OOM_SCORE ? [`oom_score_adj below ${oomScoreFloor} cannot be set`] : []),
    ...(hardLimits === undefined ? [] : ["limits of processes cannot be raised above the agent's own"]),
  ];
  if (refused.length === 0) return [];
  const message = `the agent has no CAP_SYS_RESOURCE: ${refused.join("; ")}`;
  return [{ type: RIGHTS_CONDITION, status: "True", reason: "NoSysResource", message }];
}
