import type { IntOrString } from "../../proto/gen/tallship/v1/meta.js";
import type { PodDisruptionBudget } from "../../proto/gen/tallship/v1/poddisruptionbudget.js";
import type { Column } from "./column.js";

/** What must be left, and how many evictions are allowed now. */
export const budgetColumns: readonly Column<PodDisruptionBudget>[] = [
  { name: "MIN AVAILABLE", cell: ({ spec }) => amount(spec?.minAvailable) },
  { name: "MAX UNAVAILABLE", cell: ({ spec }) => amount(spec?.maxUnavailable) },
  { name: "ALLOWED DISRUPTIONS", cell: ({ status }) => String(status?.disruptionsAllowed ?? 0) },
];

function amount(bound: IntOrString | undefined): string {
  return bound?.value === undefined ? "N/A" : String(bound.value.value);
}
