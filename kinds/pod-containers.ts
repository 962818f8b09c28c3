import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";

/** True for an init container that runs beside the others for the whole life of the pod. */
export function isSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === "Always";
}

/** Init containers first, in their order, then those that run side by side, then those that were added to look at them. */
export function everyContainer({ spec }: Pod): readonly Container[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])];
}

/** True for a container that was added to a running pod to look at it: it runs once. */
export function isEphemeral({ spec }: Pod, name: string): boolean {
  return spec?.ephemeralContainers.some((container) => container.name === name) === true;
}

/** The sidecars, in the order in which they start. */
export function sidecarsOf({ spec }: Pod): readonly Container[] {
  return (spec?.initContainers ?? []).filter(isSidecar);
}

/** True for an init container that ends before the next begins. */
export function isOneOff(pod: Pod, name: string): boolean {
  return pod.spec?.initContainers.some((container) => container.name === name && !isSidecar(container)) === true;
}
