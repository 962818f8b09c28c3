import type { RoleRef, Subject } from "../../proto/gen/tallship/v1/rbac.js";
import type { ServiceAccount } from "../../proto/gen/tallship/v1/serviceaccount.js";
import { type Column, orNone, type WithMeta } from "./column.js";

interface Binding extends WithMeta {
  readonly roleRef?: RoleRef | undefined;
  readonly subjects: readonly Subject[];
}

/** Number of its secrets. */
export const serviceAccountColumns: readonly Column<ServiceAccount>[] = [
  { name: "SECRETS", cell: ({ secrets }) => String(secrets.length) },
];

/** The role, and who gets it. */
export const bindingColumns: readonly Column<Binding>[] = [
  { name: "ROLE", cell: ({ roleRef }) => `${roleRef?.kind ?? ""}/${roleRef?.name ?? ""}` },
  { name: "USERS", isWide: true, cell: ({ subjects }) => named(subjects, "User") },
  { name: "GROUPS", isWide: true, cell: ({ subjects }) => named(subjects, "Group") },
  { name: "SERVICEACCOUNTS", isWide: true, cell: ({ subjects }) => named(subjects, "ServiceAccount") },
];

function named(subjects: readonly Subject[], kind: string): string {
  const names = subjects
    .filter((subject) => subject.kind === kind)
    .map(({ namespace, name }) => (kind === "ServiceAccount" ? `${namespace}/${name}` : name));
  return orNone(names.join(", "));
}
