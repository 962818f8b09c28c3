import { PriorityClass } from "../proto/gen/tallship/v1/priorityclass.js";

/** Highest priority that a class of users may have. */
export const USER_PRIORITY_MOST = 1_000_000_000;

/** The classes that every cluster has, whether they are stored or not. */
export const SYSTEM_PRIORITIES = [
  { name: "system-cluster-critical", value: 2_000_000_000, what: "Pods that the cluster cannot do without." },
  { name: "system-node-critical", value: 2_000_001_000, what: "Pods that a node cannot do without." },
] as const;

/** The objects of the cluster's own classes. */
export function systemPriorityClasses(): readonly PriorityClass[] {
  return SYSTEM_PRIORITIES.map(({ name, value, what }) =>
    PriorityClass.fromPartial({ metadata: { name }, value, description: what }),
  );
}
