import { ageText } from "../../kinds/age.js";
import { jobCompletions, jobWord } from "../../kinds/job-state.js";
import { isControlledBy } from "../../kinds/owners.js";
import type { CronJob } from "../../proto/gen/tallship/v1/cronjob.js";
import type { Job } from "../../proto/gen/tallship/v1/job.js";
import { headOf, type Surroundings, timeText, withEvents } from "./facts.js";
import { jobFacts } from "./job.js";
import type { Page } from "./page.js";
import { templatePage } from "./workload.js";

/** A cron job: its schedule, and the jobs that it has made. */
export function describeCronJob(cronJob: CronJob, jobs: readonly Job[], around: Surroundings): Page {
  const { nowMs } = around;
  const { spec, status } = cronJob;
  const page = headOf(cronJob.metadata, nowMs);
  page.fact("Schedule", spec?.schedule ?? "");
  page.fact("Time Zone", spec?.timeZone ?? "");
  page.fact("Concurrency Policy", spec?.concurrencyPolicy ?? "");
  page.fact("Suspended", spec?.suspend === true ? "True" : "False");
  page.fact("Starting Deadline Seconds", spec?.startingDeadlineSeconds?.toString() ?? "");
  page.fact("Successful Job History Limit", String(spec?.successfulJobsHistoryLimit ?? 3));
  page.fact("Failed Job History Limit", String(spec?.failedJobsHistoryLimit ?? 1));
  jobFacts(page, spec?.jobTemplate?.spec);
  page.section("Pod Template", templatePage(spec?.jobTemplate?.spec?.template, nowMs));
  page.fact("Last Schedule Time", timeText(status?.lastScheduleTime ?? "", nowMs));
  page.fact("Last Successful Time", timeText(status?.lastSuccessfulTime ?? "", nowMs));
  page.fact(
    "Active Jobs",
    (status?.active ?? []).map(({ name }) => name),
  );
  const own = jobs
    .filter((job) => isControlledBy(job, cronJob))
    .map((job) => [
      job.metadata?.name ?? "",
      jobWord(job),
      jobCompletions(job),
      ageText(job.metadata?.creationTimestamp ?? "", nowMs),
    ]);
  page.table("Jobs", ["Name", "Status", "Completions", "Age"], own);
  return withEvents(page, around);
}
