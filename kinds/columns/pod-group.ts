import type { PodGroup } from "../../proto/gen/tallship/v1/podgroup.js";
import type { Column } from "./column.js";

/** How far the group is, and how many of its pods have a node and run. */
export const podGroupColumns: readonly Column<PodGroup>[] = [
  { name: "PHASE", cell: ({ status }) => status?.phase || "Pending" },
  { name: "MINMEMBER", cell: ({ spec }) => String(spec?.minMember ?? 0) },
  { name: "SCHEDULED", cell: ({ status }) => `${status?.scheduled ?? 0}/${status?.pods ?? 0}` },
  { name: "RUNNING", cell: ({ status }) => String(status?.running ?? 0) },
  { name: "SUCCEEDED", cell: ({ status }) => String(status?.succeeded ?? 0), isWide: true },
  { name: "FAILED", cell: ({ status }) => String(status?.failed ?? 0), isWide: true },
];
