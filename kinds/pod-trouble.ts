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

/** Which containers of a pod run without being ready, in a sentence; undefined when none does. */
export function unreadyText(pod: Pod): string | undefined {
  const names = (pod.status?.containerStatuses ?? []).flatMap(({ name, ready, state }) =>
    state?.running !== undefined && !ready ? [name] : [],
  );
  if (names.length === 0) return undefined;
  return `container ${names.join(", ")} runs and is not ready (tsctl describe tells what its probe says)`;
}

const HARMLESS: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing", "Completed"]);
