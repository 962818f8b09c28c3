import type { Job } from "../proto/gen/tallship/v1/job.js";
import type { Condition } from "../proto/gen/tallship/v1/meta.js";
import { isConditionTrue } from "./pod-state.js";

/** The condition that says that a job is over, Complete or Failed; undefined while it is not. */
export function jobEnd(job: Job): Condition | undefined {
  return job.status?.conditions.find(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
}

/** True once a job is Complete or Failed and nothing is done for it any more. */
export function isJobFinished(job: Job): boolean {
  return jobEnd(job) !== undefined;
}

/** One word on a job, as kubectl's STATUS column has it. */
export function jobWord(job: Job): string {
  const end = jobEnd(job);
  if (end !== undefined) return end.type;
  if ((job.metadata?.deletionTimestamp ?? "") !== "") return "Terminating";
  const told = ["Suspended", "FailureTarget", "SuccessCriteriaMet"];
  return told.find((type) => isConditionTrue(job.status?.conditions, type)) ?? "Running";
}

/** How many completions a job has and wants, as kubectl's COMPLETIONS column has it. */
export function jobCompletions({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}
