import type { Queue } from "../../proto/gen/tallship/v1/queue.js";
import { type Column, orNone } from "./column.js";

/** How many pods wait and run, and how much of the quota those use. */
export const queueColumns: readonly Column<Queue>[] = [
  { name: "COHORT", cell: ({ spec }) => orNone(spec?.cohort) },
  { name: "PENDING", cell: ({ status }) => String(status?.pending ?? 0) },
  { name: "RUNNING", cell: ({ status }) => String(status?.running ?? 0) },
  { name: "USED", cell: used },
  { name: "BORROWED", isWide: true, cell: ({ status }) => orNone(amountsText(status?.borrowed ?? {})) },
  { name: "RECLAIM", isWide: true, cell: ({ spec }) => orNone(spec?.reclaimPolicy) },
];

function amountsText(amounts: Readonly<Record<string, string>>): string {
  const parts = Object.entries(amounts).map(([name, amount]) => `${name}: ${amount}`);
  return parts.sort().join(", ");
}

function used({ spec, status }: Queue): string {
  const quotas = Object.entries(spec?.quota ?? {}).sort();
  return orNone(quotas.map(([name, quota]) => `${name}: ${status?.used[name] ?? "0"}/${quota}`).join(", "));
}
