/** A cron schedule as it was written, taken apart. */
export type CronText =
  /** Five fields, `?` as `*`, nicknames such as @daily spelt out. */
  | { readonly is: "fields"; readonly fields: readonly string[] }
  /** Counted from the last time. */
  | { readonly is: "every"; readonly everyMs: number };

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: readonly Field[] = [
  { name: "minute", min: 0, max: 59, names: [] },
  { name: "hour", min: 0, max: 23, names: [] },
  { name: "day of the month", min: 1, max: 31, names: [] },
  { name: "month", min: 1, max: 12, names: MONTHS },
  { name: "day of the week", min: 0, max: 6, names: DAYS },
];

const NICKNAMES: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const DURATION = /^(\d+(\.\d+)?(h|ms|m|s))+$/;

/** Reads a schedule as Kubernetes takes it; a text says what is wrong with it. */
export function parseCron(text: string): CronText | string {
  const schedule = text.trim();
  if (/^(CRON_)?TZ=/.test(schedule)) return "want no TZ here: the field timeZone names the time zone";
  if (schedule.startsWith("@every ")) return parseEvery(schedule.slice("@every ".length).trim());
  const spelt = Object.hasOwn(NICKNAMES, schedule) ? NICKNAMES[schedule] : schedule;
  const fields = (spelt ?? "").split(/\s+/);
  if (fields.length !== FIELDS.length)
    return 'want five fields such as "*/5 * * * *", @hourly, @daily, @weekly, @monthly, @yearly or "@every 30m"';
  const wrong = FIELDS.map((field, at) => fieldError(field, fields[at] ?? "")).find((error) => error !== undefined);
  return wrong ?? { is: "fields", fields: fields.map((field) => field.replaceAll("?", "*")) };
}

/** True when there is a time zone of that name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

function parseEvery(text: string): CronText | string {
  if (!DURATION.test(text)) return 'want a duration after @every, such as "@every 1h30m"';
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  const sumMs = parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (UNITS_MS[unit] ?? 0), 0);
  // Whole seconds, at least one: times of objects are no finer.
  return { is: "every", everyMs: Math.max(1, Math.floor(sumMs / 1_000)) * 1_000 };
}

function fieldError(field: Field, text: string): string | undefined {
  for (const part of text.split(",")) {
    const match = /^(\*|\?|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part);
    if (match === null) return `${field.name}: malformed ${JSON.stringify(part)}`;
    const [, first = "", last, step] = match;
    if (step !== undefined && Number(step) === 0) return `${field.name}: want a step of at least 1`;
    if (step !== undefined && Number(step) > field.max) return `${field.name}: want a step of at most ${field.max}`;
    if (first === "*" || first === "?") {
      if (last !== undefined) return `${field.name}: malformed ${JSON.stringify(part)}`;
      continue;
    }
    const [from, to] = [numberOf(field, first), last === undefined ? undefined : numberOf(field, last)];
    if (from === undefined || (last !== undefined && to === undefined))
      return `${field.name}: want ${field.min} to ${field.max}, found ${JSON.stringify(part)}`;
    if (to !== undefined && to < from) return `${field.name}: ${JSON.stringify(part)} ends before it begins`;
  }
  return undefined;
}

function numberOf({ min, max, names }: Field, text: string): number | undefined {
  const named = names.indexOf(text.toUpperCase());
  const value = named >= 0 ? named + min : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}
