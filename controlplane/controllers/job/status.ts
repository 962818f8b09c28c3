import { type ImagePins, imagePins, movedImages } from "../../../kinds/image-pins.js";
import { isPodActive, isPodReady } from "../../../kinds/pod-state.js";
import { rfc3339 } from "../../../lib/clock.js";
import { type Job, JobStatus } from "../../../proto/gen/tallship/v1/job.js";
import type { Condition } from "../../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { withCondition } from "../conditions.js";
import { REMEDIES, withMoved } from "../revision-images.js";
import { ANNOUNCED, type Ending } from "./ending.js";
import { type Tally, tallyStatus } from "./tally.js";
import { isTerminating } from "./tracking.js";

/** What a job's status is made from. */
export interface StatusParts {
  readonly job: Job;
  readonly tally: Tally;
  /** Every pod of the job as it was found. */
  readonly pods: readonly Pod[];
  /** What its pods are to run, by the word of the first. */
  readonly images: ImagePins;
  /** Pods created and removed in the same transaction: they count as there and as going. */
  readonly created: number;
  readonly removed: readonly Pod[];
  readonly nextOrdinal: number;
  readonly ending: Ending | undefined;
  /** No pod runs any more: the end is final. */
  readonly isOver: boolean;
  readonly nowMs: number;
}

/** The status as Kubernetes' users read it. */
export function statusOf(parts: StatusParts): JobStatus {
  const { job, tally, pods, images, created, removed, nowMs } = parts;
  const before = job.status ?? JobStatus.fromPartial({});
  const isSuspended = job.spec?.suspend === true;
  const active = pods.filter((pod) => isPodActive(pod) && !removed.includes(pod));
  // What has no node is gone at once.
  const going = removed.filter((pod) => (pod.spec?.nodeName ?? "") !== "");
  // Also of pods that have ended: what they did they did with other bytes.
  const told = withMoved(before.conditions, movedImages(pods, images), { nowMs, remedy: REMEDIES.job });
  const conditions = conditionsOf(told, parts, isSuspended);
  const isResumed = before.conditions.some(({ type, status }) => type === "Suspended" && status === "True");
  const isStarting = parts.ending === undefined && !isSuspended && (before.startTime === "" || isResumed);
  const isDone = parts.isOver && parts.ending?.type === "Complete";
  return {
    ...before,
    ...tallyStatus(job, tally),
    conditions,
    startTime: isStarting ? rfc3339(nowMs) : before.startTime,
    completionTime: before.completionTime || (isDone ? rfc3339(nowMs) : ""),
    active: active.length + created,
    ready: active.filter(isPodReady).length,
    // Once it is over nobody looks any more: pods on lost nodes are not told of for ever.
    terminating: parts.isOver ? 0 : pods.filter(isTerminating).length + going.length,
    uncountedTerminatedPods: before.uncountedTerminatedPods ?? { succeeded: [], failed: [] },
    nextOrdinal: parts.nextOrdinal,
    images,
  };
}

/** What the first of the job's pods ran, by the word of these and of those that are gone. */
export function jobImages(job: Job, pods: readonly Pod[]): ImagePins {
  return imagePins(job.spec?.template, pods, job.status?.images ?? {});
}

function conditionsOf(
  before: readonly Condition[],
  { ending, isOver, nowMs }: StatusParts,
  isSuspended: boolean,
): readonly Condition[] {
  if (ending === undefined) return withSuspension(before, isSuspended, nowMs);
  const { type, reason, message } = ending;
  const announced = withCondition(before, { type: ANNOUNCED[type], status: "True", reason, message }, nowMs);
  return isOver ? withCondition(announced, { type, status: "True", reason, message }, nowMs) : announced;
}

function withSuspension(before: readonly Condition[], isSuspended: boolean, nowMs: number): readonly Condition[] {
  if (isSuspended)
    return withCondition(
      before,
      { type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" },
      nowMs,
    );
  if (!before.some(({ type }) => type === "Suspended")) return before;
  return withCondition(
    before,
    { type: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" },
    nowMs,
  );
}
