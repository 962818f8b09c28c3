import { describe, expect, test } from "vitest";
import { cronSchedule } from "./cron.js";
import { isTimeZone, parseCron } from "./cron-text.js";

const at = (text: string): number => Date.parse(text);
const iso = (ms: number | undefined): string =>
  ms === undefined ? "never" : `${new Date(ms).toISOString().slice(0, 16)}`;

/** The next times after one. */
function times(schedule: string, timeZone: string, after: string, count: number): readonly string[] {
  const cron = cronSchedule(schedule, timeZone);
  const found: string[] = [];
  let ms: number | undefined = at(after);
  for (let each = 0; each < count && ms !== undefined; each += 1) {
    ms = cron.nextMs(ms);
    found.push(iso(ms));
  }
  return found;
}

describe("a schedule falls due when Kubernetes says", () => {
  const rows = [
    {
      schedule: "*/5 * * * *",
      zone: "",
      after: "2026-01-31T23:52:00Z",
      want: ["2026-01-31T23:55", "2026-02-01T00:00"],
    },
    {
      schedule: "5/25 * * * *",
      zone: "",
      after: "2026-01-31T23:00:00Z",
      want: ["2026-01-31T23:05", "2026-01-31T23:30"],
    },
    { schedule: "0 9 ? * MON-FRI", zone: "", after: "2026-01-30T09:00:00Z", want: ["2026-02-02T09:00"] },
    // Both days are named: either will do.
    {
      schedule: "0 0 13 * FRI",
      zone: "",
      after: "2026-02-06T00:00:00Z",
      want: ["2026-02-13T00:00", "2026-02-20T00:00", "2026-02-27T00:00", "2026-03-06T00:00", "2026-03-13T00:00"],
    },
    // One begins with a star: both must fit.
    {
      schedule: "0 0 */2 * MON",
      zone: "",
      after: "2026-02-01T00:00:00Z",
      want: ["2026-02-09T00:00", "2026-02-23T00:00"],
    },
    { schedule: "@monthly", zone: "", after: "2026-01-31T00:00:00Z", want: ["2026-02-01T00:00"] },
    { schedule: "@every 90m", zone: "", after: "2026-01-31T00:00:00Z", want: ["2026-01-31T01:30", "2026-01-31T03:00"] },
    { schedule: "0 12 * * *", zone: "Asia/Kolkata", after: "2026-01-31T00:00:00Z", want: ["2026-01-31T06:30"] },
    { schedule: "0 0 31 2 *", zone: "", after: "2026-01-31T00:00:00Z", want: ["never"] },
    // Clocks go forward at 2:00: 2:30 does not exist, the job runs once afterwards, and the next day at its time.
    {
      schedule: "30 2 * * *",
      zone: "Europe/Berlin",
      after: "2026-03-28T12:00:00Z",
      want: ["2026-03-29T01:00", "2026-03-30T00:30"],
    },
    // Clocks go back at 3:00: 2:30 exists twice, the job runs once.
    {
      schedule: "30 2 * * *",
      zone: "Europe/Berlin",
      after: "2026-10-24T12:00:00Z",
      want: ["2026-10-25T00:30", "2026-10-26T01:30"],
    },
    // Every half hour stays every half hour, whatever the clocks do.
    {
      schedule: "*/30 * * * *",
      zone: "Europe/Berlin",
      after: "2026-10-25T00:00:00Z",
      want: ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"],
    },
  ];
  test.each(rows)("$schedule in $zone after $after", ({ schedule, zone, after, want }) => {
    expect(times(schedule, zone, after, want.length)).toEqual(want);
  });
});

describe("the last time that is due", () => {
  const rows = [
    { name: "at its very moment", until: "2026-01-31T00:10:00Z", want: "2026-01-31T00:10" },
    { name: "just before", until: "2026-01-31T00:09:59Z", want: "2026-01-31T00:05" },
    { name: "long after", until: "2026-02-03T04:03:00Z", want: "2026-02-03T04:00" },
    { name: "none yet", until: "2026-01-31T00:04:59Z", want: "never" },
    // The clock went back behind the last time.
    { name: "earlier than what was done", until: "2026-01-30T00:04:59Z", want: "never" },
  ];
  test.each(rows)("$name", ({ until, want }) => {
    expect(iso(cronSchedule("*/5 * * * *", "").lastMs(at("2026-01-31T00:00:00Z"), at(until)))).toBe(want);
  });

  test("of a fixed interval is a whole number of them away", () => {
    expect(iso(cronSchedule("@every 7m", "").lastMs(at("2026-01-31T00:00:00Z"), at("2026-01-31T00:30:00Z")))).toBe(
      "2026-01-31T00:28",
    );
  });
});

test.each([
  "",
  "* * * *",
  "* * * * * *",
  "60 * * * *",
  "* 24 * * *",
  "* * 0 * *",
  "* * * 13 *",
  "* * * * 7",
  "* * * JAX *",
  "5-1 * * * *",
  "*/0 * * * *",
  "1,,2 * * * *",
  "* * L * *",
  "* * * * 5#2",
  "@reboot",
  "@every x",
  "TZ=UTC * * * * *",
  "*-5 * * * *",
])("%s is no schedule", (text) => {
  expect(parseCron(text)).toBeTypeOf("string");
});

test("time zones go by their names", () => {
  expect([isTimeZone("Europe/Berlin"), isTimeZone("Etc/UTC"), isTimeZone("Mars/Base")]).toEqual([true, true, false]);
});
