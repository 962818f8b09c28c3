import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { LogRotation, nextLookMs } from "./rotation.js";

const run = { podUid: "u1", container: "web", attempt: 0 };
const megabyte = 1_000_000;

/** One log that grows by so many bytes per millisecond. */
function world(bytesPerMs: number, writtenBytes?: (nowMs: number) => number | undefined) {
  const clock = new ManualClock();
  const seen = { looks: 0, held: 0, rotations: 0, largest: 0 };
  let rotatedAtMs = 0;
  const size = (): number => (clock.monotonicMs() - rotatedAtMs) * bytesPerMs;
  const rotation = new LogRotation({
    clock,
    log: silentLog,
    onFlood: () => undefined,
    runs: () => [run],
    logs: {
      look: () => {
        seen.looks += 1;
        return { sizeBytes: size(), inode: 1 + seen.rotations };
      },
      hold: async () => {
        seen.held += 1;
      },
      writtenBytes: () => writtenBytes?.(clock.monotonicMs()),
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
  // What was written before anybody knew of it is over the limit.
  await clock.advance(3_000);
  seen.largest = 0;
  await clock.advance(20_000);
  rotation.close();
  expect(seen.rotations).toBeGreaterThan(60);
  expect(seen.largest).toBeLessThan(limit("logFileBytes") * 1.2);
});

test("a flood beside many quiet logs has nobody look at those more often", async () => {
  const clock = new ManualClock();
  const looks = new Map<string, number>();
  const quiet = Array.from({ length: 100 }, (_, at) => ({ ...run, podUid: `quiet${at}` }));
  let rotatedAtMs = 0;
  const rotation = new LogRotation({
    ...{ clock, log: silentLog, onFlood: () => undefined, runs: () => [run, ...quiet] },
    logs: {
      look: ({ podUid }) => {
        looks.set(podUid, (looks.get(podUid) ?? 0) + 1);
        const sizeBytes = podUid === "u1" ? (clock.monotonicMs() - rotatedAtMs) * megabyte * 0.4 : 0;
        return { sizeBytes, inode: 1 };
      },
      hold: async () => undefined,
      writtenBytes: () => undefined,
    },
    rotate: async () => {
      rotatedAtMs = clock.monotonicMs();
    },
  });
  await clock.advance(20_000);
  rotation.close();
  expect(looks.get("u1")).toBeGreaterThan(500);
  expect(Math.max(...quiet.map(({ podUid }) => looks.get(podUid) ?? 0))).toBeLessThanOrEqual(41);
});

test.each([0.2, 0.25, 0.3, 0.35, 0.4])(
  "a log that its monitor begins anew, at %s MB/ms, is looked at before it may do so once more",
  async (megabytes) => {
    const clock = new ManualClock();
    const bytesPerMs = megabytes * megabyte;
    let rotatedAtMs = 0;
    const held = new Set<number>();
    // The monitor begins anew after so many bytes, whatever was rotated meanwhile.
    const fileNow = (): { readonly number: number; readonly fromMs: number } => {
      const periodMs = limit("logRunawayBytes") / bytesPerMs;
      const number = Math.floor(clock.monotonicMs() / periodMs);
      return { number, fromMs: Math.max(number * periodMs, rotatedAtMs) };
    };
    const rotation = new LogRotation({
      ...{ clock, log: silentLog, onFlood: () => undefined, runs: () => [run] },
      logs: {
        look: () => {
          const { number, fromMs } = fileNow();
          return { sizeBytes: (clock.monotonicMs() - fromMs) * bytesPerMs, inode: fromMs + 1 + number / 1e6 };
        },
        hold: async () => {
          held.add(fileNow().number);
        },
        writtenBytes: () => undefined,
      },
      rotate: async () => {
        rotatedAtMs = clock.monotonicMs();
        held.add(fileNow().number);
      },
    });
    await clock.advance(10_000);
    const last = fileNow().number;
    rotation.close();
    expect(last).toBeGreaterThan(25);
    expect([...held].filter((number) => number >= 4)).toHaveLength(last - 3);
  },
);

test("a log that cannot be rotated keeps none of the others waiting", async () => {
  const clock = new ManualClock();
  const others = ["a", "b"].map((podUid) => ({ ...run, podUid }));
  const rotated: string[] = [];
  const rotation = new LogRotation({
    ...{ clock, log: silentLog, onFlood: () => undefined, runs: () => [run, ...others] },
    logs: {
      look: () => ({ sizeBytes: limit("logFileBytes"), inode: 1 }),
      hold: async () => undefined,
      writtenBytes: () => undefined,
    },
    rotate: async ({ podUid }) => {
      if (podUid === run.podUid) throw new Error("its monitor is dead");
      rotated.push(podUid);
    },
  });
  await clock.advance(1_000);
  rotation.close();
  expect(new Set(rotated)).toEqual(new Set(["a", "b"]));
});

test("a quiet log costs a look every limits.logLookMaxMs", async () => {
  const { clock, seen, rotation } = world(0);
  await clock.advance(10_000);
  rotation.close();
  expect([seen.rotations, seen.held]).toEqual([0, 1]);
  expect(seen.looks).toBeLessThanOrEqual(21);
});

test("on a machine that writes next to nothing a quiet log costs a look every limits.logLookRestMs", async () => {
  const { clock, seen, rotation } = world(0, (nowMs) => nowMs * 10);
  await clock.advance(60_000);
  rotation.close();
  expect([seen.rotations, seen.held]).toEqual([0, 1]);
  expect(seen.looks).toBeLessThanOrEqual(14);
});

test("a quiet log is found when it begins to flood: what is written then is seen of the whole machine", async () => {
  const beginMs = 20_100;
  const written = (nowMs: number): number => Math.max(0, nowMs - beginMs) * 0.1 * megabyte;
  const clock = new ManualClock();
  const seen = { looks: 0, rotatedAtMs: 0 };
  const rotation = new LogRotation({
    ...{ clock, log: silentLog, onFlood: () => undefined, runs: () => [run] },
    logs: {
      look: () => {
        seen.looks += 1;
        return { sizeBytes: written(clock.monotonicMs()) - written(seen.rotatedAtMs), inode: 1 };
      },
      hold: async () => undefined,
      writtenBytes: () => written(clock.monotonicMs()),
    },
    rotate: async () => {
      seen.rotatedAtMs = clock.monotonicMs();
    },
  });
  await clock.advance(beginMs);
  expect(seen.looks).toBeLessThanOrEqual(6);
  await clock.advance(600);
  rotation.close();
  expect(seen.rotatedAtMs).toBeGreaterThan(beginMs);
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
    name: "half full, ten megabytes a second",
    seen: { sizeBytes: 5_242_880, grownBytes: 10_485_760, tookMs: 1_000 },
    want: 250,
  },
  {
    name: "begun anew by its monitor just now",
    seen: { sizeBytes: 0, grownBytes: 0, tookMs: 10, isReplaced: true },
    want: limit("logLookFirstMs"),
  },
  {
    name: "as fast as a disk",
    seen: { sizeBytes: 0, grownBytes: 1_000 * megabyte, tookMs: 1_000 },
    want: limit("logLookFirstMs"),
  },
] as const;

for (const { name, seen, want } of rows) {
  test(`the next look: ${name}`, () => {
    expect(nextLookMs(seen)).toBe(want);
  });
}
