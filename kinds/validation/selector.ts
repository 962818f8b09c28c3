import type { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { Findings, Path } from "./findings.js";

/** Operators with the values that they take, and without those they do not. */
export function checkSelectorParts(selector: LabelSelector, path: Path, findings: Findings): void {
  for (const [index, { operator, values }] of selector.matchExpressions.entries()) {
    const wantsValues = operator === "In" || operator === "NotIn";
    const here = [...path, "matchExpressions", index, "values"];
    if (wantsValues && values.length === 0) findings.add("required", here, `operator ${operator} needs values`);
    if (!wantsValues && values.length > 0) findings.add("forbidden", here, `operator ${operator} takes no values`);
  }
}
