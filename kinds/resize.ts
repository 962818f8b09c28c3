import type { ResourceRequirements } from "../proto/gen/tallship/v1/container.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { isConditionTrue } from "./pod-state.js";

/** The resources that a container's amounts of may change while it runs. */
export const RESIZABLE = ["cpu", "memory"] as const;

/** Condition of a pod whose node has not granted what its spec asks for now: reason Deferred or Infeasible. */
export const RESIZE_PENDING = "PodResizePending";

/** Condition of a pod whose node has granted it and is bringing it about; reason Error while that fails. */
export const RESIZE_IN_PROGRESS = "PodResizeInProgress";

/** Limits and requests of cpu and memory. */
export interface ResizableAmounts {
  readonly limits: Readonly<Record<string, string>>;
  readonly requests: Readonly<Record<string, string>>;
}

/** What of a container's resources may change. */
export function resizableOf(resources: ResourceRequirements | undefined): ResizableAmounts {
  const pick = (amounts: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> =>
    Object.fromEntries(RESIZABLE.flatMap((name) => (amounts[name] === undefined ? [] : [[name, amounts[name]]])));
  return { limits: pick(resources?.limits), requests: pick(resources?.requests) };
}

/** The resources with other amounts of cpu and memory; everything else as it is. */
export function withAmounts(
  resources: ResourceRequirements | undefined,
  { limits, requests }: ResizableAmounts,
): ResourceRequirements {
  const others = (amounts: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(amounts).filter(([name]) => !RESIZABLE.some((one) => one === name)));
  return {
    limits: { ...others(resources?.limits), ...limits },
    requests: { ...others(resources?.requests), ...requests },
    claims: resources?.claims ?? [],
  };
}

/** True while the node can never give what the spec asks for: what it gave counts. */
export function isInfeasible({ status }: Pod): boolean {
  if (!isConditionTrue(status?.conditions, RESIZE_PENDING)) return false;
  return status?.conditions.some(({ type, reason }) => type === RESIZE_PENDING && reason === "Infeasible") === true;
}
