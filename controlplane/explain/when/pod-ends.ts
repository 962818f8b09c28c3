import { metaOf } from "../../../kinds/object.js";
import { controllerOf } from "../../../kinds/owners.js";
import { isDeleting, isPodFinished } from "../../../kinds/pod-state.js";
import { parseTime } from "../../../lib/clock.js";
import type { Job } from "../../../proto/gen/tallship/v1/job.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { View } from "../../cache/view.js";

/** When a pod ends, as far as anything says so. */
export interface PodEnd {
  /** Milliseconds since the epoch; not before the moment that is asked about. */
  readonly atMs: number;
  /** Why that is believed: a sentence, equal for pods of one owner. */
  readonly because: string;
}

/** How long the pods of an owner take, and what that is known from. */
export interface Duration {
  readonly ms: number;
  readonly because: string;
}

/**
 * When pods end. A pod that is being deleted has its grace, a pod of a job takes as long as others of the job took, or ends by a deadline; of any
 * other nothing is known. Pure.
 */
export class PodEnds {
  private readonly view: View;
  private readonly nowMs: number;
  private readonly durations = new Map<string, Duration | undefined>();

  constructor(view: View, nowMs: number) {
    this.view = view;
    this.nowMs = nowMs;
  }

  /** The end of a pod that runs. */
  of(pod: Pod): PodEnd | undefined {
    const { deletionTimestamp, namespace, name } = metaOf(pod);
    if (isDeleting(pod)) return this.at(parseTime(deletionTimestamp), `pod ${namespace}/${name} is being deleted`);
    const startMs = parseTime(pod.status?.startTime ?? "");
    if (Number.isNaN(startMs)) return undefined;
    const duration = this.durationOf(pod);
    return duration && this.at(startMs + duration.ms, duration.because);
  }

  /** How long a pod takes from its start. */
  durationOf(pod: Pod): Duration | undefined {
    const own = pod.spec?.activeDeadlineSeconds;
    const { namespace, name } = metaOf(pod);
    const ofOwner = this.durationOfJob(pod);
    if (own === undefined || (ofOwner !== undefined && ofOwner.ms <= own * 1_000)) return ofOwner;
    return { ms: own * 1_000, because: `pod ${namespace}/${name} ends by its deadline of ${own}s` };
  }

  private at(atMs: number, because: string): PodEnd {
    return { atMs: Math.max(this.nowMs, Number.isNaN(atMs) ? this.nowMs : atMs), because };
  }

  private durationOfJob(pod: Pod): Duration | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== "Job") return undefined;
    if (!this.durations.has(owner.uid)) {
      const job = this.view.get("Job", metaOf(pod).namespace, owner.name);
      this.durations.set(owner.uid, job && metaOf(job).uid === owner.uid ? this.measured(job) : undefined);
    }
    return this.durations.get(owner.uid);
  }

  /** What pods of the job that have succeeded took on average; without any, the job's deadline. */
  private measured(job: Job): Duration | undefined {
    const { namespace, name, uid } = metaOf(job);
    const took = this.view.ownedBy("Pod", uid).flatMap(({ object }) => {
      const ms = tookMs(object);
      return ms === undefined ? [] : [ms];
    });
    if (took.length > 0) {
      const ms = took.reduce((sum, each) => sum + each, 0) / took.length;
      const pods = took.length === 1 ? "the one that has ended" : `the ${took.length} that have ended`;
      return { ms, because: `pods of job ${namespace}/${name} take ${Math.round(ms / 1_000)}s, as ${pods} did` };
    }
    const deadline = job.spec?.activeDeadlineSeconds;
    if (deadline === undefined) return undefined;
    return { ms: deadline * 1_000, because: `job ${namespace}/${name} ends by its deadline of ${deadline}s` };
  }
}

/** From the start of a pod that has succeeded to the end of its last container. */
function tookMs(pod: Pod): number | undefined {
  if (!isPodFinished(pod) || pod.status?.phase !== "Succeeded") return undefined;
  const ends = pod.status.containerStatuses.map(({ state }) => parseTime(state?.terminated?.finishedAt ?? ""));
  const ms = Math.max(...ends) - parseTime(pod.status.startTime);
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}
