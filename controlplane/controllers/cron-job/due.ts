import { metaOf } from "../../../kinds/object.js";
import { parseTime } from "../../../lib/clock.js";
import { cronSchedule } from "../../../lib/cron.js";
import type { CronJob } from "../../../proto/gen/tallship/v1/cronjob.js";

/** More missed times than this are told: the clock was set, or nobody looked for long. As in Kubernetes. */
const manyMissed = 100;

/** What a cron job's schedule says now. */
export interface Due {
  /** The time for which a job is to be created: the last one that passed, however many did; undefined when there is none. */
  readonly atMs: number | undefined;
  /** More than a hundred times have passed since the last job. */
  readonly isFarBehind: boolean;
  /** The first time that has not come yet; undefined when there is none. */
  readonly nextMs: number | undefined;
}

/**
 * Asks the schedule. Times up to the last one for which a job was created are done, also when the clock was put back since; those that
 * passed longer ago than startingDeadlineSeconds are not made up for.
 */
export function dueOf(cronJob: CronJob, nowMs: number): Due {
  const { schedule = "", timeZone = "", startingDeadlineSeconds } = cronJob.spec ?? {};
  const cron = cronSchedule(schedule, timeZone);
  const doneMs = parseTime(cronJob.status?.lastScheduleTime || metaOf(cronJob).creationTimestamp);
  const deadlineMs = startingDeadlineSeconds === undefined ? doneMs : nowMs - startingDeadlineSeconds * 1_000;
  const sinceMs = Math.max(doneMs, deadlineMs);
  const atMs = cron.lastMs(sinceMs, nowMs);
  // An interval is counted from the last time; what is done lies in the future when the clock was put back.
  const nextMs = cron.nextMs(atMs ?? Math.max(doneMs, cron.lastMs(doneMs, nowMs) ?? doneMs));
  return { atMs, nextMs, isFarBehind: atMs !== undefined && countsTo(manyMissed, cron.nextMs, sinceMs, nowMs) };
}

/** True when more than `bound` times lie in (`sinceMs`, `untilMs`]. */
function countsTo(bound: number, next: (afterMs: number) => number | undefined, sinceMs: number, untilMs: number) {
  let atMs: number | undefined = sinceMs;
  for (let count = 0; count <= bound; count += 1) {
    atMs = next(atMs);
    if (atMs === undefined || atMs > untilMs) return false;
  }
  return true;
}
