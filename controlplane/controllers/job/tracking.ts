import { withoutFinalizer } from "../../../kinds/deletion.js";
import { keyOf, metaOf } from "../../../kinds/object.js";
import { isDeleting, isPodFinished } from "../../../kinds/pod-state.js";
import type { Job } from "../../../proto/gen/tallship/v1/job.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { Cached } from "../../cache/view.js";
import type { ObjectWrite } from "../controller.js";
import { typedOf } from "../writes.js";

/** Keeps a job's pod from going before it was counted. As in Kubernetes. */
export const TRACKING = "batch.kubernetes.io/job-tracking";
/** Label and annotation of an indexed job's pod: its index. As in Kubernetes. */
export const INDEX = "batch.kubernetes.io/job-completion-index";

/** True while a job's pod was not counted. */
export function isTracked({ object }: Cached<"Pod">): boolean {
  return metaOf(object).finalizers.includes(TRACKING);
}

/** The write that lets a pod go, or removes it when it only waited for that. */
export function release(cached: Cached<"Pod">): readonly ObjectWrite[] {
  const deletion = withoutFinalizer(typedOf(cached), TRACKING);
  if (deletion.is === "unchanged") return [];
  if (deletion.is === "mark") return [{ op: "put", typed: deletion.typed, revision: cached.revision }];
  return [{ op: "delete", key: keyOf(typedOf(cached)), revision: cached.revision }];
}

/** The index of an indexed job's pod; undefined when it says none. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata?.annotations[INDEX] ?? "";
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** True when a pod is replaced only once it has ended, not already when it is being deleted. */
export function waitsForEnd({ spec }: Job): boolean {
  return spec?.podReplacementPolicy === "Failed";
}

/** True for a pod whose node cannot be asked how it is. */
export function isLost(pod: Pod): boolean {
  return pod.status?.phase === "Unknown";
}

/** True for a pod that is being deleted and may still run somewhere. */
export function isTerminating(pod: Pod): boolean {
  return isDeleting(pod) && !isPodFinished(pod);
}

/** True when a pod that is being deleted runs nowhere any more: its agent has confirmed it, or nobody waits for that. */
export function isStopped(pod: Pod): boolean {
  return isDeleting(pod) && pod.metadata?.deletionGracePeriodSeconds === 0;
}
