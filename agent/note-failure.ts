import { backoffMs } from "../lib/backoff.js";
import { assertNever, type TallshipError } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import type { Rng } from "../lib/rng.js";
import type { Action, HookName } from "./actions.js";
import { restartDelayMs } from "./note-containers.js";
import { containerRecord, type PodRecord, type Waiting, withContainer } from "./pod-record.js";

/**
 * What is remembered of an action that failed, for the next plan and for the user. Undefined when the failure concerns nothing the user
 * waits for, such as a removal: then the sync loop alone backs off.
 */
export function noteFailure(
  record: PodRecord,
  action: Action,
  { error, nowMs, rng }: { readonly error: TallshipError; readonly nowMs: number; readonly rng: Rng },
): PodRecord | undefined {
  switch (action.do) {
    case "prepare": {
      const count = record.hookFailure?.hook === action.hook ? record.hookFailure.count : 0;
      const first = { firstMs: limit("imagePullRetryFirstMs"), maxMs: limit("imagePullRetryMaxMs") };
      const waiting = waitingFor(action.hook, count, error);
      const retryAtMs = nowMs + backoffMs(first, count, rng);
      return { ...record, hookFailure: { hook: action.hook, ...waiting, count: count + 1, retryAtMs } };
    }
    case "create":
    case "start": {
      const { failureCount } = containerRecord(record, action.container);
      return withContainer(record, action.container, {
        failed: waitingForRun(action.do, error),
        failureCount: failureCount + 1,
        retryAtMs: nowMs + restartDelayMs(failureCount),
      });
    }
    case "resize": {
      const retryAtMs = nowMs + limit("resizeRetryMs");
      return withContainer(record, action.container, { resizeFailure: { message: error.message, retryAtMs } });
    }
    default:
      return undefined;
  }
}

function waitingFor(hook: HookName, count: number, error: TallshipError): Waiting {
  switch (hook) {
    case "image":
      return { reason: imageReason(error, count), message: error.message };
    case "config":
      return { reason: "CreateContainerConfigError", message: error.message };
    case "volumes":
      return { reason: isUsers(error) ? "CreateContainerConfigError" : "ContainerCreating", message: error.message };
    case "users":
      return { reason: usersReason(error), message: error.message };
    case "sandbox":
    case "devices":
    case "policy":
      return { reason: "ContainerCreating", message: error.message };
    default:
      return assertNever(hook);
  }
}

/** A host that has no user namespaces is named as such: only another node, or its administrator, can help. */
function usersReason({ code }: TallshipError): string {
  return code === "failed_precondition" ? "UserNamespacesUnavailable" : "ContainerCreating";
}

function imageReason({ code }: TallshipError, count: number): string {
  if (code === "invalid_argument") return "InvalidImageName";
  if (code === "failed_precondition") return "ErrImageNeverPull";
  return count === 0 ? "ErrImagePull" : "ImagePullBackOff";
}

function waitingForRun(step: "create" | "start", error: TallshipError): Waiting {
  if (isUsers(error)) return { reason: "CreateContainerConfigError", message: error.message };
  const isRun = step === "start" || error.code === "command_not_found";
  return { reason: isRun ? "RunContainerError" : "CreateContainerError", message: error.message };
}

/** True when only a change of the pod, or of what it names, can help. */
function isUsers({ code }: TallshipError): boolean {
  return code === "config_missing" || code === "not_supported" || code === "invalid_argument" || code === "forbidden";
}
