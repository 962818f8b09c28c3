import type { Revision } from "../../proto/gen/tallship/v1/revision.js";
import { type Column, orNone } from "./column.js";

/** Which set was applied, by whom, and how far it went. */
export const revisionColumns: readonly Column<Revision>[] = [
  { name: "SET", cell: ({ spec }) => orNone(spec?.set) },
  { name: "NUMBER", cell: ({ spec }) => String(spec?.number ?? 0) },
  { name: "STATUS", cell: ({ status }) => orNone(status?.phase) },
  { name: "USER", cell: ({ spec }) => orNone(spec?.user) },
];
