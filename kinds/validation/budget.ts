import type { PodDisruptionBudget } from "../../proto/gen/tallship/v1/poddisruptionbudget.js";
import type { Findings } from "./findings.js";
import { checkSelectorParts } from "./selector.js";
import { checkAtMostAll } from "./workload.js";

/** One of the two bounds, and a sound selector. */
export function checkBudget({ spec }: PodDisruptionBudget, findings: Findings): void {
  if (spec === undefined) return;
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined)
    findings.add("forbidden", ["spec", "maxUnavailable"], "minAvailable and maxUnavailable cannot be both set");
  checkAtMostAll(spec.minAvailable, ["spec", "minAvailable"], findings);
  checkAtMostAll(spec.maxUnavailable, ["spec", "maxUnavailable"], findings);
  if (spec.selector !== undefined) checkSelectorParts(spec.selector, ["spec", "selector"], findings);
}
