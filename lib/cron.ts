import { Cron } from "croner";
import { type CronText, parseCron } from "./cron-text.js";
import { TallshipError } from "./errors.js";

/** When a schedule falls due. Pure: it knows no clock and sets no timer. Times are milliseconds since the epoch. */
export interface CronSchedule {
  /** The first time after `afterMs`; undefined when there is none, as for 31 February. */
  nextMs(afterMs: number): number | undefined;
  /** The last time in (`afterMs`, `untilMs`]; undefined when there is none. */
  lastMs(afterMs: number, untilMs: number): number | undefined;
}

/**
 * A schedule as Kubernetes takes it, in a time zone. When clocks are put forward, a daily time that does not exist falls due at once
 * afterwards; when they are put back, a daily time that exists twice falls due once. Schedules by the hour or minute follow the real time.
 * Throws invalid_argument when the schedule is malformed.
 */
export function cronSchedule(schedule: string, timeZone: string): CronSchedule {
  const parsed = parseCron(schedule);
  if (typeof parsed === "string")
    throw new TallshipError("invalid_argument", `read schedule ${JSON.stringify(schedule)}: ${parsed}`);
  return parsed.is === "every" ? everySchedule(parsed.everyMs) : fieldSchedule(parsed, timeZone);
}

function everySchedule(everyMs: number): CronSchedule {
  return {
    nextMs: (afterMs) => afterMs + everyMs,
    lastMs: (afterMs, untilMs) => {
      const count = Math.floor((untilMs - afterMs) / everyMs);
      return count < 1 ? undefined : afterMs + count * everyMs;
    },
  };
}

function fieldSchedule({ fields }: Extract<CronText, { is: "fields" }>, timeZone: string): CronSchedule {
  // As in Kubernetes: a day must fit both fields when one of them begins with a star, else either.
  const domAndDow = [fields[2], fields[4]].some((field) => field?.startsWith("*") === true);
  const cron = new Cron(fields.join(" "), {
    paused: true,
    mode: "5-part",
    sloppyRanges: true,
    timezone: timeZone === "" ? "UTC" : timeZone,
    domAndDow,
  });
  return {
    nextMs: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime(),
    lastMs: (afterMs, untilMs) => {
      // One second later: a time that is due at this very moment is among them.
      const [last] = cron.previousRuns(1, new Date(untilMs + 1_000));
      const atMs = last?.getTime();
      return atMs !== undefined && atMs > afterMs && atMs <= untilMs ? atMs : undefined;
    },
  };
}
