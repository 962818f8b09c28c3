import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { LogRotation, nextLookMs } from "./rotation.js";

const run = { podUid: "u1", container: "web", attempt: 0 };
const megabyte = 1_000_000;

/** One log that grows by so many bytes per millisecond. */
function world(bytesPerMs: number) {
  const clock = new ManualClock();
  const seen = { looks: 0, rotations: 0, largest: 0 };
  let rotatedAtMs = 0;
  const size = (): number => (clock.monotonicMs() - rotatedAtMs) * bytesPerMs;
  const rotation = new LogRotation({
    clock,
    log: silentLog,
    runs: () => [run],
    sizeOf: () => {
      seen.looks += 1;
      return size();
    },
    rotate: async () => {
      seen.rotations += 1;
      seen.largest = Math.max(seen.largest, size());
      rotatedAtMs = clock.monotonicMs();
    },
  });
  return { clock, seen, rotation };
}

test("a log that is written flat out is rotated often enough to stay near its limit", async () => {
  const { clock, seen, rotation } = world(0.1 * megabyte);
  await clock.advance(20_000);
  rotation.close();
  expect(seen.rotations).toBeGreaterThan(60);
  expect(seen.largest).toBeLessThan(limit("logFileBytes") * 13);
});

test("a quiet log costs a look every limits.logLookMaxMs", async () => {
  const { clock, seen, rotation } = world(0);
  await clock.advance(100_000);
  rotation.close();
  expect(seen.rotations).toBe(0);
  expect(seen.looks).toBeLessThanOrEqual(12);
});

test("nothing is looked at once it is closed", async () => {
  const { clock, seen, rotation } = world(1);
  rotation.close();
  await clock.advance(100_000);
  expect([seen.looks, clock.timerCount]).toEqual([0, 0]);
});

// How long a log is left alone: half the time it would take to be full at the speed it grew with.
const rows = [
  { name: "nothing written", seen: { sizeBytes: 0, grownBytes: 0, tookMs: 1_000 }, want: limit("logLookMaxMs") },
  {
    name: "half full, a megabyte a second",
    seen: { sizeBytes: 5_242_880, grownBytes: 1_048_576, tookMs: 1_000 },
    want: 2_500,
  },
  {
    name: "as fast as a disk",
    seen: { sizeBytes: 0, grownBytes: 500 * megabyte, tookMs: 1_000 },
    want: limit("logLookFirstMs"),
  },
] as const;

for (const { name, seen, want } of rows) {
  test(`the next look: ${name}`, () => {
    expect(nextLookMs(seen)).toBe(want);
  });
}
