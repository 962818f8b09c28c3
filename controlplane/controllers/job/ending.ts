import { parseIndexes } from "../../../kinds/index-set.js";
import { isConditionTrue } from "../../../kinds/pod-state.js";
import { parseTime } from "../../../lib/clock.js";
import type { Job } from "../../../proto/gen/tallship/v1/job.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { isIndexed, type Tally } from "./tally.js";

/** How a job ends, and why; reasons and messages are Kubernetes'. */
export interface Ending {
  readonly type: "Complete" | "Failed";
  readonly reason: string;
  readonly message: string;
}

/** What a job's end is decided from. */
export interface EndingGround {
  readonly tally: Tally;
  /** Pods that exist and have not been counted. */
  readonly uncounted: readonly Pod[];
  /** Pods that are pending or running and not being deleted. */
  readonly activeCount: number;
  readonly nowMs: number;
}

/** The condition that announces each end, while pods still run. */
export const ANNOUNCED = { Complete: "SuccessCriteriaMet", Failed: "FailureTarget" } as const;

/** How the job ends, undefined while it goes on. What was announced once stands: later events do not change it. */
export function endingOf(job: Job, ground: EndingGround): Ending | undefined {
  return announced(job) ?? failure(job, ground) ?? indexFailure(job, ground.tally) ?? success(job, ground);
}

/** Milliseconds until the job's deadline; undefined when it has none now, 0 when it has passed. */
export function untilDeadlineMs({ spec, status }: Job, nowMs: number): number | undefined {
  const startMs = parseTime(status?.startTime ?? "");
  // A job that is being resumed still has the start time of before.
  const isSuspended = spec?.suspend === true || isConditionTrue(status?.conditions, "Suspended");
  if (spec?.activeDeadlineSeconds === undefined || isSuspended || Number.isNaN(startMs)) return undefined;
  return Math.max(0, startMs + spec.activeDeadlineSeconds * 1_000 - nowMs);
}

function announced({ status }: Job): Ending | undefined {
  for (const type of ["Complete", "Failed"] as const) {
    const said = status?.conditions.find((each) => each.type === ANNOUNCED[type] && each.status === "True");
    if (said !== undefined) return { type, reason: said.reason, message: said.message };
  }
  return undefined;
}

function failure(job: Job, { tally, uncounted, nowMs }: EndingGround): Ending | undefined {
  const { spec } = job;
  if (tally.failJob !== undefined) return failed("PodFailurePolicy", tally.failJob);
  const limit = spec?.backoffLimit ?? 6;
  if (tally.failed > limit || isRestartedTooOften(job, uncounted, limit))
    return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  if (untilDeadlineMs(job, nowMs) === 0)
    return failed("DeadlineExceeded", "Job was active longer than specified deadline");
  return undefined;
}

function indexFailure({ spec }: Job, { done, lost }: Tally): Ending | undefined {
  if (spec?.backoffLimitPerIndex === undefined) return undefined;
  if (spec.maxFailedIndexes !== undefined && lost.size > spec.maxFailedIndexes)
    return failed("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
  if (lost.size > 0 && lost.size + done.size >= (spec.completions ?? 0))
    return failed("FailedIndexes", "Job has failed indexes");
  return undefined;
}

function success(job: Job, { tally, activeCount }: EndingGround): Ending | undefined {
  const rule = isIndexed(job) ? successRule(job, tally) : undefined;
  if (rule !== undefined)
    return { type: "Complete", reason: "SuccessPolicy", message: `Matched rules at index ${rule}` };
  const { completions, suspend } = job.spec ?? {};
  // Without a number the pods know themselves when all is done: one has succeeded, the others end.
  const isDone =
    completions === undefined
      ? tally.succeeded > 0 && activeCount === 0
      : tally.succeeded >= completions && (completions > 0 || suspend !== true);
  if (!isDone) return undefined;
  return { type: "Complete", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" };
}

function successRule({ spec }: Job, { done }: Tally): number | undefined {
  if (done.size === 0) return undefined;
  const at = (spec?.successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === "") return succeededCount !== undefined && done.size >= succeededCount;
    const wanted = [...(parseIndexes(succeededIndexes, spec?.completions ?? 0) ?? [])];
    const held = wanted.filter((index) => done.has(index)).length;
    return wanted.length > 0 && held >= (succeededCount ?? wanted.length);
  });
  return at < 0 ? undefined : at;
}

/** With restartPolicy OnFailure, restarts of containers are the failures that count. */
function isRestartedTooOften({ spec }: Job, pods: readonly Pod[], limit: number): boolean {
  if (spec?.template?.spec?.restartPolicy !== "OnFailure") return false;
  const restarts = pods
    .filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending")
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function failed(reason: string, message: string): Ending {
  return { type: "Failed", reason, message };
}
