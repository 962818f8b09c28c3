import fc from "fast-check";
import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { seededRng } from "../../lib/rng.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { HeartbeatTimer } from "./heartbeat-timer.js";

function beating(everyMs: number, seed = 1) {
  const clock = new ManualClock();
  const beats: number[] = [];
  const beat = (): void => void beats.push(clock.monotonicMs());
  const timer = new HeartbeatTimer({ clock, rng: seededRng(seed), beat }, everyMs);
  timer.start();
  return { clock, beats, timer };
}

test("with the shortest interval it beats exactly so often, at once when there is news, and counts from there", async () => {
  const { clock, beats, timer } = beating(500);
  await clock.advance(1_200);
  timer.tellNews();
  await clock.advance(1_000);
  expect(beats).toEqual([0, 500, 1_000, 1_200, 1_700, 2_200]);
  timer.stop();
  timer.tellNews();
  await clock.advance(5_000);
  expect(beats).toHaveLength(6);
});

test("an interval below the shortest is not heeded", async () => {
  const { clock, beats } = beating(0);
  await clock.advance(1_000);
  expect(beats).toEqual([0, 500, 1_000]);
});

test("whatever the leader asks and whatever happens, a heartbeat keeps the promise of the one before, and news wait no longer than the spread", async () => {
  const step = fc.record({
    waitMs: fc.nat({ max: 4_000 }),
    act: fc.oneof(fc.constant("news" as const), fc.constantFrom(500, 750, 2_500, 10_000)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(), async (steps, seed) => {
      const clock = new ManualClock();
      const beats: { atMs: number; promisedMs: number }[] = [];
      const beat = (): void => void beats.push({ atMs: clock.monotonicMs(), promisedMs: timer.everyMs });
      const timer = new HeartbeatTimer({ clock, rng: seededRng(seed), beat }, 2_500);
      timer.start();
      for (const { waitMs, act } of steps) {
        await clock.advance(waitMs);
        const atMs = clock.monotonicMs();
        if (act !== "news") timer.setInterval(act);
        else {
          timer.tellNews();
          await clock.advance(limit("heartbeatSpreadMs"));
          expect(beats.at(-1)?.atMs).toBeGreaterThanOrEqual(atMs);
        }
      }
      await clock.advance(20_000);
      for (const [at, { atMs }] of beats.slice(1).entries())
        expect(atMs - (beats[at]?.atMs ?? 0)).toBeLessThanOrEqual(beats[at]?.promisedMs ?? 0);
    }),
    { seed: 26, numRuns: 100 },
  );
});

test("a thousand nodes that are told of news at one moment do not answer at one", async () => {
  const clock = new ManualClock();
  const beats: number[] = [];
  const timers = Array.from({ length: 1_000 }, (_, at) => {
    const beat = (): void => void beats.push(clock.monotonicMs());
    return new HeartbeatTimer({ clock, rng: seededRng(at + 1), beat }, 2_500);
  });
  for (const timer of timers) timer.start();
  await clock.advance(1);
  beats.length = 0;
  for (const timer of timers) timer.tellNews();
  await clock.advance(limit("heartbeatSpreadMs"));
  expect(beats.length).toBeGreaterThanOrEqual(1_000);
  const busiest = Math.max(
    ...Array.from({ length: 20 }, (_, at) => beats.filter((ms) => Math.floor(ms / 50) === at).length),
  );
  expect(busiest).toBeLessThan(150);
});
