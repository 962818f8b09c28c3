import type { CronJob } from "../../proto/gen/tallship/v1/cronjob.js";
import type { Job, JobSpec } from "../../proto/gen/tallship/v1/job.js";
import { defaultTemplate } from "./workload.js";

const BACKOFF_LIMIT = 6;
/** Without bound: each index has a limit of its own. */
const NO_LIMIT = 2_147_483_647;

/** One pod at a time and one completion, unless the one says something about the other; limits that go together. */
export function defaultJob(job: Job): Job {
  return job.spec === undefined ? job : { ...job, spec: defaultJobSpec(job.spec) };
}

/** The defaults of its pods; those of its jobs are filled in each job. */
export function defaultCronJob(cronJob: CronJob): CronJob {
  const { spec } = cronJob;
  const { jobTemplate } = spec ?? {};
  if (spec === undefined || jobTemplate?.spec === undefined) return cronJob;
  const template = defaultTemplate(jobTemplate.spec.template);
  return { ...cronJob, spec: { ...spec, jobTemplate: { ...jobTemplate, spec: { ...jobTemplate.spec, template } } } };
}

function defaultJobSpec(spec: JobSpec): JobSpec {
  const { parallelism, completions } = spec;
  const isBare = parallelism === undefined && completions === undefined;
  return {
    ...spec,
    parallelism: parallelism ?? 1,
    completions: isBare ? 1 : completions,
    backoffLimit: spec.backoffLimit ?? (spec.backoffLimitPerIndex === undefined ? BACKOFF_LIMIT : NO_LIMIT),
    podReplacementPolicy:
      spec.podReplacementPolicy || (spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed"),
    template: defaultTemplate(spec.template),
  };
}
