import { assertNever, type TallshipError } from "../lib/errors.js";
import type { Action, HookName } from "./actions.js";
import type { Check } from "./checks/check.js";
import type { PodNotice } from "./control-plane.js";
import { containerRecord } from "./pod-record.js";
import type { PodTurn } from "./pod-turn.js";

/** What the user is told of an action that was carried out; most are nobody's concern. */
export function noticeOfAction(action: Action, { desired: pod, facts, record }: PodTurn): PodNotice | undefined {
  if (pod === undefined) return undefined;
  switch (action.do) {
    case "create": {
      const message = `created container ${action.container} from ${facts.images.get(action.container)?.digest ?? "its image"}`;
      return { pod, container: action.container, type: "Normal", reason: "Created", message };
    }
    case "start":
      return normal(pod, action.container, "Started", `started container ${action.container}`);
    case "pause":
      return normal(pod, action.container, "Paused", `paused container ${action.container}`);
    case "unpause":
      return normal(pod, action.container, "Unpaused", `unpaused container ${action.container}`);
    case "resize": {
      const { limits = {}, requests = {} } = containerRecord(record, action.container).allocated ?? {};
      const now = JSON.stringify({ limits, requests });
      return normal(pod, action.container, "ResizeCompleted", `resized container ${action.container} to ${now}`);
    }
    case "signal": {
      const why = containerRecord(record, action.container).ending?.why ?? `stopping container ${action.container}`;
      return normal(pod, action.container, "Killing", why);
    }
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

const PREPARE_REASONS: Readonly<Record<HookName, string>> = {
  image: "Failed",
  users: "FailedCreatePodSandBox",
  sandbox: "FailedCreatePodSandBox",
  config: "Failed",
  volumes: "FailedMount",
  devices: "UnexpectedAdmissionError",
  policy: "FailedCreatePodSandBox",
};

function failureReason(action: Action): string {
  switch (action.do) {
    case "prepare":
      return PREPARE_REASONS[action.hook];
    case "create":
    case "start":
      return "Failed";
    case "pause":
      return "FailedPause";
    case "unpause":
      return "FailedUnpause";
    case "confirm":
      return "FailedDelete";
    default:
      return "FailedKillPod";
  }
}

/** What the user is told of a probe or hook that has not passed. */
export function noticeOfCheck({ kind, container }: Check, pod: PodNotice["pod"], message: string): PodNotice {
  const common = { pod, container, type: "Warning" } as const;
  switch (kind) {
    case "postStart":
      return { ...common, reason: "FailedPostStartHook", message: `postStart hook failed: ${message}` };
    case "preStop":
      return { ...common, reason: "FailedPreStopHook", message: `preStop hook failed: ${message}` };
    case "startup":
    case "liveness":
    case "readiness": {
      const name = `${kind[0]?.toUpperCase() ?? ""}${kind.slice(1)}`;
      return { ...common, reason: "Unhealthy", message: `${name} probe failed: ${message}` };
    }
    default:
      return assertNever(kind);
  }
}
