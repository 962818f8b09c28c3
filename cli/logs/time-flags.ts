import { FORMATS } from "../../kinds/formats.js";
import { readDuration } from "../parse.js";
import { usageError } from "../verb.js";

/** Flags of `logs` as docker's and kubectl's users write them. */
export interface LogTimeFlags {
  readonly tail: string | undefined;
  readonly since: string | undefined;
  readonly sinceTime: string | undefined;
  readonly until: string | undefined;
}

/** The same as one kind of value each: lines or -1 for all, a span in milliseconds or a time. */
export interface LogTimes {
  readonly tail: number | undefined;
  readonly since: number | undefined;
  readonly sinceTime: string | undefined;
  readonly untilMs: number | undefined;
}

/** Reads them. Throws usage errors. */
export function readLogTimes({ tail, since, sinceTime, until }: LogTimeFlags, nowMs: number): LogTimes {
  if (tail !== undefined && tail !== "all" && !/^(-1|\d{1,15})$/.test(tail))
    throw usageError(`--tail is a number of lines or all, not "${tail}"`);
  const isTime = since !== undefined && isTimeText(since);
  if (isTime && sinceTime !== undefined) throw usageError("--since and --since-time are two answers to one question");
  return {
    tail: tail === undefined ? undefined : tail === "all" ? -1 : Number(tail),
    since: since === undefined || isTime ? undefined : readDuration(since, "--since"),
    sinceTime: isTime ? since : sinceTime,
    untilMs: until === undefined ? undefined : readMoment(until, "--until", nowMs),
  };
}

/** Milliseconds since the epoch of a moment as Docker's users write it: a time, seconds since the epoch, or so long ago. */
export function readMoment(text: string, flag: string, nowMs: number): number {
  if (/^\d{9,}(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  return isTimeText(text) ? Date.parse(text) : nowMs - readDuration(text, flag);
}

function isTimeText(text: string): boolean {
  return FORMATS.time(text) === undefined;
}
