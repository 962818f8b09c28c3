import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { conditionOf } from "./pod-state.js";

/** What keeps a pod from running, in a sentence; undefined when nothing is known to be wrong. */
export function podTrouble(pod: Pod): string | undefined {
  const scheduled = conditionOf(pod.status?.conditions, "PodScheduled");
  if (scheduled?.status === "False") return `not scheduled: ${scheduled.message || scheduled.reason}`;
  for (const { name, state } of [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ]) {
    const { reason = "", message = "" } = state?.waiting ?? state?.terminated ?? {};
    if (reason !== "" && !HARMLESS.has(reason))
      return `container ${name}: ${reason}${message === "" ? "" : `: ${message}`}`;
  }
  return pod.status?.message || undefined;
}

const HARMLESS: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing", "Completed"]);
