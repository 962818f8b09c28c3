import type { ObjectMeta } from "../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { PAUSED, pausedProblem } from "./paused.js";
import { isDeleting, isPodActive } from "./pod-state.js";

/**
 * Annotation of a pod, and of the workload that keeps it: its containers are stopped and stay so until it is taken away. The value is the grace in seconds, or empty for the
 * pod's own. As `docker stop` leaves a container. Pods that a workload makes while it has it wait for the start as the others do.
 */
export const STOPPED = "tallship.dev/stopped";

/** Annotation of a pod: how often it was started again by hand. When it grows, what runs is ended and every container begins anew, whatever its restart policy. */
export const STARTS = "tallship.dev/starts";

/** Annotation of a pod: what its containers and empty volumes hold lasts from run to run, and while it is stopped, until the pod is deleted. */
export const KEEP_FILES = "tallship.dev/keep-files";

/** Annotation of a pod with restartPolicy OnFailure: how many restarts in a row there are at most. */
export const MAX_RESTARTS = "tallship.dev/max-restarts";

/** Annotation of a pod: it is removed once it is over, as `run --rm` asks. */
export const REMOVE_WHEN_OVER = "tallship.dev/remove-when-over";

/** Label of the pods that `tsctl run` made: their own name. */
export const RUN_LABEL = "tallship.dev/run";

/** Whether a pod is to run, as its user switched it. */
export interface Power {
  readonly isStopped: boolean;
  /** Seconds of grace that the stop named. */
  readonly graceSeconds: number | undefined;
  readonly startCount: number;
}

/** What has such switches. */
interface Switched {
  readonly metadata?: ObjectMeta | undefined;
}

/** What a pod's annotations say of its power, or a workload's; a pod without them runs as its spec says. */
export function powerOf({ metadata }: Switched): Power {
  const { [STOPPED]: stopped, [STARTS]: starts } = metadata?.annotations ?? {};
  return {
    isStopped: stopped !== undefined,
    graceSeconds: stopped === undefined || stopped === "" ? undefined : Number(stopped),
    startCount: starts === undefined ? 0 : Number(starts),
  };
}

/** True for a pod that counts towards its owner's replicas: neither finished nor being deleted, or stopped by its user, until its node has begun with the start that ends that. */
export function keepsPlace(pod: Pod): boolean {
  const { isStopped, startCount } = powerOf(pod);
  const isStartAwaited = startCount > (pod.status?.starts ?? 0);
  return isPodActive(pod) || ((isStopped || isStartAwaited) && !isDeleting(pod));
}

/** What a pod is annotated with that a workload makes: while that is stopped, the pod is too. */
export function heldBy(
  owner: { readonly metadata?: ObjectMeta | undefined } | undefined,
): Readonly<Record<string, string>> {
  return owner?.metadata?.annotations[STOPPED] === undefined ? {} : { [STOPPED]: "" };
}

/** True for a pod whose containers keep what they wrote. */
export function keepsFiles({ metadata }: Pod): boolean {
  return metadata?.annotations[KEEP_FILES] === "true";
}

/** Restarts in a row that are allowed; undefined when there is no bound. */
export function maxRestartsOf({ metadata }: Pod): number | undefined {
  const text = metadata?.annotations[MAX_RESTARTS];
  return text === undefined ? undefined : Number(text);
}

/** What is wrong with the value of one of the annotations above; undefined when nothing is. */
export function powerProblem(annotation: string, value: string): string | undefined {
  switch (annotation) {
    case STOPPED:
      return value === "" || isCount(value, 86_400) ? undefined : "want seconds of grace, or nothing";
    case STARTS:
    case MAX_RESTARTS:
      return isCount(value, 1_000_000) ? undefined : "want a whole number from 0";
    case PAUSED:
      return pausedProblem(value);
    case KEEP_FILES:
    case REMOVE_WHEN_OVER:
      return value === "true" || value === "false" ? undefined : "want true or false";
    default:
      return undefined;
  }
}

function isCount(text: string, most: number): boolean {
  return /^\d{1,7}$/.test(text) && Number(text) <= most;
}
