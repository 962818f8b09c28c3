import { durationText } from "../../kinds/age.js";
import { jobCompletions, jobWord } from "../../kinds/job-state.js";
import { selectorText } from "../../kinds/selector-text.js";
import { parseTime } from "../../lib/clock.js";
import type { Job, JobSpec } from "../../proto/gen/tallship/v1/job.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { conditionsTable, headOf, type Surroundings, timeText, withEvents } from "./facts.js";
import type { Page } from "./page.js";
import { podsTable, templatePage } from "./workload.js";

/** A job: how far it is, what ends it, and its pods. */
export function describeJob(job: Job, pods: readonly Pod[], around: Surroundings): Page {
  const { nowMs } = around;
  const { spec, status } = job;
  const page = headOf(job.metadata, nowMs);
  page.fact("Selector", selectorText(spec?.selector));
  page.fact("Status", jobWord(job));
  page.fact("Completions", jobCompletions(job));
  jobFacts(page, spec);
  page.factIf("Start Time", timeText(status?.startTime ?? "", nowMs));
  page.factIf("Completed At", timeText(status?.completionTime ?? "", nowMs));
  const tookMs = parseTime(status?.completionTime ?? "") - parseTime(status?.startTime ?? "");
  if (!Number.isNaN(tookMs)) page.fact("Duration", durationText(tookMs));
  const { active = 0, ready = 0, succeeded = 0, failed = 0, terminating = 0 } = status ?? {};
  const going = terminating === 0 ? "" : ` / ${terminating} Terminating`;
  page.fact("Pods Statuses", `${active} Active (${ready} Ready) / ${succeeded} Succeeded / ${failed} Failed${going}`);
  page.factIf("Completed Indexes", status?.completedIndexes);
  page.factIf("Failed Indexes", status?.failedIndexes);
  page.section("Pod Template", templatePage(spec?.template, nowMs));
  conditionsTable(page, status?.conditions ?? [], nowMs);
  podsTable(page, job, pods);
  return withEvents(page, around);
}

/** What a job is asked to do; also the jobs of a cron job. */
export function jobFacts(page: Page, spec: JobSpec | undefined): void {
  page.fact("Parallelism", String(spec?.parallelism ?? 1));
  page.fact("Completion Mode", spec?.completionMode || "NonIndexed");
  page.fact("Suspend", String(spec?.suspend === true));
  page.fact("Backoff Limit", limitText(spec?.backoffLimit));
  page.factIf("Backoff Limit Per Index", spec?.backoffLimitPerIndex?.toString());
  page.factIf("Max Failed Indexes", spec?.maxFailedIndexes?.toString());
  page.factIf("Active Deadline Seconds", secondsText(spec?.activeDeadlineSeconds));
  page.factIf("TTL Seconds After Finished", spec?.ttlSecondsAfterFinished?.toString());
  const rules = (spec?.podFailurePolicy?.rules ?? []).map(({ action, onExitCodes, onPodConditions }) =>
    onExitCodes === undefined
      ? `${action} on condition ${onPodConditions.map(({ type, status }) => `${type}=${status}`).join(", ")}`
      : `${action} on exit code ${onExitCodes.operator} [${onExitCodes.values.join(", ")}]${onExitCodes.containerName === undefined ? "" : ` of ${onExitCodes.containerName}`}`,
  );
  if (rules.length > 0) page.fact("Pod Failure Policy", rules);
  const successes = (spec?.successPolicy?.rules ?? []).map(
    ({ succeededIndexes, succeededCount }) => `${succeededCount ?? "all"} of indexes ${succeededIndexes || "any"}`,
  );
  if (successes.length > 0) page.fact("Success Policy", successes);
}

function limitText(limit: number | undefined): string {
  return limit === 2_147_483_647 ? "none" : String(limit ?? 6);
}

function secondsText(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : `${seconds}s`;
}
