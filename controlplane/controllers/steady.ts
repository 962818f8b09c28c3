import { limit } from "../../lib/limits.js";
import type { PodSpec } from "../../proto/gen/tallship/v1/pod.js";

/**
 * Seconds that pods of this spec must have been ready before a roll-out takes old ones away for them. A container that no probe asks is ready from the moment its process runs, also one that is
 * about to end for a wrong setting: it has to run for limits.steadyMs first.
 */
export function steadySeconds(spec: PodSpec | undefined, minReadySeconds: number): number {
  return isAsked(spec) ? minReadySeconds : Math.max(minReadySeconds, limit("steadyMs") / 1000);
}

/** Somebody says of every container whether it works, or of the pod as a whole. */
function isAsked(spec: PodSpec | undefined): boolean {
  const { containers = [], readinessGates = [] } = spec ?? {};
  const areAsked = containers.every(
    ({ readinessProbe, startupProbe }) => (readinessProbe ?? startupProbe) !== undefined,
  );
  return areAsked || readinessGates.length > 0;
}
