import { conditionOf } from "../../kinds/pod-state.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { statusOf } from "../containers/state.js";

/** Whether a container that was asked for has started, or never will. */
export type Started =
  | { readonly is: "started" }
  /** `why`: something the user should know while it waits; empty when all is as usual. */
  | { readonly is: "waiting"; readonly why: string }
  | { readonly is: "failed"; readonly exitCode: number; readonly why: string };

/** Docker's exit codes for what did not start: its own fault, a command that cannot be run, and one that is not there. */
const NOT_STARTED = 125;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** What a pod's status says of the start of a container, the first when none is named. Pure. */
export function startedState(pod: Pod, container = pod.spec?.containers[0]?.name ?? ""): Started {
  const { state, lastState } = statusOf(pod, container) ?? {};
  // A run that ended before anybody saw it run has started too: it is told of beside the wait for the next one.
  const ran = state?.running ?? state?.terminated ?? lastState?.terminated;
  if (ran !== undefined) return { is: "started" };
  const { reason = "", message = "" } = state?.waiting ?? {};
  switch (reason) {
    case "ErrImagePull":
    case "ImagePullBackOff":
    case "InvalidImageName":
    case "ErrImageNeverPull":
    case "CreateContainerConfigError":
    case "CreateContainerError":
      return { is: "failed", exitCode: NOT_STARTED, why: message };
    case "RunContainerError":
      return { is: "failed", exitCode: /permission denied/i.test(message) ? NOT_EXECUTABLE : NOT_FOUND, why: message };
    default:
      return { is: "waiting", why: unscheduled(pod) };
  }
}

function unscheduled(pod: Pod): string {
  const scheduled = conditionOf(pod.status?.conditions, "PodScheduled");
  return scheduled?.status === "False" ? scheduled.message : "";
}
