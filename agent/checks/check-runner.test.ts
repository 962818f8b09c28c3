import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRng } from "../../lib/rng.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import type { Check } from "./check.js";
import { CheckRunner } from "./check-runner.js";
import { countResult, NO_RESULTS } from "./count.js";

const timing = { firstAtMs: 0, periodMs: 1_000, timeoutMs: 300, successThreshold: 2, failureThreshold: 3 };

/** A runner whose checks answer what `answers` holds, one after the other; "hang" never answers. */
function world(answers: (boolean | "hang")[]) {
  const clock = new ManualClock();
  const verdicts: boolean[] = [];
  const failures: string[] = [];
  const startedAtMs: number[] = [];
  let given = 0;
  const runner = new CheckRunner({
    clock,
    rng: seededRng(1),
    perform: (_, __, signal) => {
      startedAtMs.push(clock.monotonicMs());
      const answer = answers[given] ?? true;
      given += 1;
      if (answer !== "hang") return Promise.resolve({ isPassed: answer, message: "no" });
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve({ isPassed: true, message: "too late" })),
      );
    },
    onVerdict: (_, __, isPassed) => verdicts.push(isPassed),
    onFailure: (_, __, message) => failures.push(message),
  });
  const check = (change: Partial<Check> = {}): Check => ({
    kind: "readiness",
    container: "web",
    attempt: 0,
    target: { is: "tcp", host: "10.0.0.1", port: 80 },
    timing: { ...timing, firstAtMs: clock.nowMs() + 500 },
    ...change,
  });
  return { clock, runner, verdicts, failures, startedAtMs, check };
}

test("a probe begins after its delay, goes on at its period, and enough results in a row decide", async () => {
  const { clock, runner, verdicts, startedAtMs, check } = world([true, false, true, true, false, false, false]);
  runner.set("u1", [check()]);
  await clock.advance(6_600);
  expect(startedAtMs).toEqual([500, 1_500, 2_500, 3_500, 4_500, 5_500, 6_500]);
  expect(verdicts).toEqual([true, false]);
});

test("a probe that hangs has failed at its timeout and is asked again at its period", async () => {
  const { clock, runner, verdicts, failures, startedAtMs, check } = world(["hang", "hang", "hang", true]);
  runner.set("u1", [check()]);
  await clock.advance(3_400);
  expect(verdicts).toEqual([false]);
  expect(failures).toEqual(["timed out after 0.3s"]);
  expect(startedAtMs).toEqual([500, 1_500, 2_500]);
});

test("what is named no more ends at once, what stays goes on, and a new attempt begins anew", async () => {
  const { clock, runner, startedAtMs, check } = world([]);
  runner.set("u1", [check()]);
  await clock.advance(700);
  runner.set("u1", [check()]);
  await clock.advance(1_000);
  expect(startedAtMs).toEqual([500, 1_500]);
  runner.set("u1", [check({ attempt: 1 })]);
  await clock.advance(600);
  expect(startedAtMs).toEqual([500, 1_500, 2_200]);
  runner.set("u1", []);
  await clock.advance(5_000);
  expect(startedAtMs.length).toBe(3);
  expect(clock.timerCount).toBe(0);
});

test("a hook runs once; one that takes longer than it may has failed", async () => {
  const once = { ...timing, firstAtMs: 0, periodMs: undefined, successThreshold: 1, failureThreshold: 1 };
  const short = world([]);
  short.runner.set("u1", [short.check({ kind: "preStop", target: { is: "sleep", ms: 200 }, timing: once })]);
  await short.clock.advance(5_000);
  expect(short.verdicts).toEqual([true]);
  const long = world([]);
  long.runner.set("u1", [long.check({ kind: "preStop", target: { is: "sleep", ms: 400 }, timing: once })]);
  await long.clock.advance(5_000);
  expect(long.verdicts).toEqual([false]);
});

test("the probes that a restarted agent takes up are spread over their period", async () => {
  const { clock, runner, startedAtMs, check } = world([]);
  await clock.advance(60_000);
  const old = { ...timing, firstAtMs: clock.nowMs() - 30_000 };
  for (let pod = 0; pod < 20; pod += 1) runner.set(`u${pod}`, [check({ timing: old })]);
  await clock.advance(1_000);
  expect(new Set(startedAtMs.map((atMs) => Math.floor(atMs / 100))).size).toBeGreaterThan(5);
});

test("a probe that fails the same way all the time is told once a minute", async () => {
  const { clock, runner, failures, check } = world(Array.from({ length: 300 }, () => false));
  runner.set("u1", [check()]);
  for (let second = 0; second < 125; second += 1) await clock.advance(1_000);
  expect(failures.length).toBe(3);
});

test("a verdict comes exactly when as many results in a row agree as its threshold says", () => {
  const thresholds = fc.record({
    successThreshold: fc.integer({ min: 1, max: 4 }),
    failureThreshold: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 20 }), thresholds, (results, of) => {
      let count = NO_RESULTS;
      for (const [at, isPassed] of results.entries()) {
        const next = countResult(count, isPassed, { ...timing, ...of });
        count = next.count;
        const needed = isPassed ? of.successThreshold : of.failureThreshold;
        const last = results.slice(Math.max(0, at + 1 - needed), at + 1);
        const isEnough = last.length === needed && last.every((one) => one === isPassed);
        expect(next.verdict).toBe(isEnough ? isPassed : undefined);
      }
    }),
  );
});
