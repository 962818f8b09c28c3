import { parseQuantity } from "../lib/quantity.js";
import type { ResourceRequirements } from "../proto/gen/tallship/v1/container.js";
import type { PodSpec } from "../proto/gen/tallship/v1/pod.js";

const COUNTED = ["cpu", "memory"] as const;

/**
 * Kubernetes' quality of service: Guaranteed when every container limits CPU and memory and requests just that, BestEffort when no
 * container requests or limits either, else Burstable.
 */
export function qosClassOf(spec: PodSpec | undefined): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  if (containers.every(({ resources }) => asksNothing(resources))) return "BestEffort";
  return containers.every(({ resources }) => isGuaranteed(resources)) ? "Guaranteed" : "Burstable";
}

function asksNothing(resources: ResourceRequirements | undefined): boolean {
  return COUNTED.every((name) => amount(resources?.requests[name]) === 0 && amount(resources?.limits[name]) === 0);
}

function isGuaranteed(resources: ResourceRequirements | undefined): boolean {
  return COUNTED.every((name) => {
    const most = amount(resources?.limits[name]);
    return most > 0 && amount(resources?.requests[name] ?? resources?.limits[name]) === most;
  });
}

function amount(quantity: string | undefined): number {
  return quantity === undefined ? 0 : (parseQuantity(quantity) ?? 0);
}
