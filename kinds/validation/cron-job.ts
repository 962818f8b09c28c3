import type { CronJob } from "../../proto/gen/tallship/v1/cronjob.js";
import type { Findings } from "./findings.js";
import { checkJobSpec } from "./job.js";

/** The names of its jobs are this name, '-' and ten digits, and at most 63 characters long. */
const NAME_LENGTH = 52;

/** A name short enough for its jobs' names, and jobs that leave their selectors to the server. */
export function checkCronJob({ metadata, spec }: CronJob, findings: Findings): void {
  const length = metadata?.name.length ?? 0;
  if (length > NAME_LENGTH)
    findings.add("invalid", ["metadata", "name"], `want at most ${NAME_LENGTH} characters, found ${length}`);
  const path = ["spec", "jobTemplate", "spec"];
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  const jobSpec = spec.jobTemplate?.spec;
  if (jobSpec === undefined) {
    if (spec.jobTemplate !== undefined) findings.add("required", path, "this field is required");
    return;
  }
  if (jobSpec.manualSelector === true)
    findings.add("forbidden", [...path, "manualSelector"], "the jobs of a schedule cannot share a selector");
  else if (jobSpec.selector !== undefined)
    findings.add("forbidden", [...path, "selector"], "the server writes it in each job");
  checkJobSpec(jobSpec, path, findings);
}
