import type { NetworkPolicy } from "../../proto/gen/tallship/v1/networkpolicy.js";
import type { PriorityClass } from "../../proto/gen/tallship/v1/priorityclass.js";
import type { ResourceQuota } from "../../proto/gen/tallship/v1/resourcequota.js";
import { selectorText } from "../selector-text.js";
import { type Column, NONE, orNone, type WithMeta } from "./column.js";

/** When an object was created; such kinds have no AGE. */
export const createdAt: Column<WithMeta> = {
  name: "CREATED AT",
  cell: ({ metadata }) => metadata?.creationTimestamp || "<unknown>",
};

/** The priority, and who gets it. */
export const priorityClassColumns: readonly Column<PriorityClass>[] = [
  { name: "VALUE", cell: ({ value }) => String(value) },
  { name: "GLOBAL-DEFAULT", cell: ({ globalDefault }) => String(globalDefault) },
];

/** Follows AGE. */
export const preemptionPolicy: Column<PriorityClass> = {
  name: "PREEMPTIONPOLICY",
  cell: (priorityClass) => orNone(priorityClass.preemptionPolicy),
};

/** What is used of what is allowed; limits apart. */
export const resourceQuotaColumns: readonly Column<ResourceQuota>[] = [
  { name: "REQUEST", cell: (quota) => usage(quota, (name) => !name.startsWith("limits.")) },
  { name: "LIMIT", cell: (quota) => usage(quota, (name) => name.startsWith("limits.")) },
];

/** The pods it is about. */
export const networkPolicyColumns: readonly Column<NetworkPolicy>[] = [
  { name: "POD-SELECTOR", cell: ({ spec }) => selectorText(spec?.podSelector) },
];

function usage({ spec, status }: ResourceQuota, isShown: (name: string) => boolean): string {
  const names = Object.keys(spec?.hard ?? {})
    .filter(isShown)
    .sort();
  const parts = names.map((name) => `${name}: ${status?.used[name] ?? "0"}/${spec?.hard[name]}`);
  return parts.length === 0 ? NONE : parts.join(", ");
}
