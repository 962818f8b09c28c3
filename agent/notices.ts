import type { TallshipError } from "../lib/errors.js";
import type { Action } from "./actions.js";
import type { PodNotice } from "./control-plane.js";
import type { PodTurn } from "./pod-turn.js";

/** What the user is told of an action that was carried out; most are nobody's concern. */
export function noticeOfAction(action: Action, { desired: pod, facts }: PodTurn): PodNotice | undefined {
  if (pod === undefined) return undefined;
  switch (action.do) {
    case "create": {
      const message = `created container ${action.container} from ${facts.images.get(action.container)?.digest ?? "its image"}`;
      return { pod, container: action.container, type: "Normal", reason: "Created", message };
    }
    case "start":
      return normal(pod, action.container, "Started", `started container ${action.container}`);
    case "signal":
      return normal(pod, action.container, "Killing", `stopping container ${action.container}`);
    default:
      return undefined;
  }
}

function normal(pod: PodNotice["pod"], container: string, reason: string, message: string): PodNotice {
  return { pod, container, type: "Normal", reason, message };
}

/** What the user is told of an action that failed. */
export function noticeOfFailure(
  action: Action,
  { desired: pod }: PodTurn,
  error: TallshipError,
): PodNotice | undefined {
  if (pod === undefined) return undefined;
  const container = "container" in action ? action.container : "";
  return { pod, container, type: "Warning", reason: failureReason(action), message: error.message };
}

function failureReason(action: Action): string {
  switch (action.do) {
    case "prepare":
      return { image: "Failed", sandbox: "FailedCreatePodSandBox", config: "Failed", volumes: "FailedMount" }[
        action.hook
      ];
    case "create":
    case "start":
      return "Failed";
    case "confirm":
      return "FailedDelete";
    default:
      return "FailedKillPod";
  }
}
