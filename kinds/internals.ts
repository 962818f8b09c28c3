import type { Pod } from "../proto/gen/tallship/v1/pod.js";

/** Annotation of pods that may reach the ports of Tallship itself on its hosts: etcd, metrics, the agents, the join listener. */
export const REACH_INTERNALS = "tallship.dev/reach-internals";

/** Whether the pod may. */
export function reachesInternals({ metadata }: Pod): boolean {
  return metadata?.annotations[REACH_INTERNALS] === "true";
}
