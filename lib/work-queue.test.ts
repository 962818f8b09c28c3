import fc from "fast-check";
import { expect, test } from "vitest";
import { ManualClock } from "../test/kit/manual-clock.js";
import { seededRng } from "./rng.js";
import { WorkQueue, type WorkQueueOptions } from "./work-queue.js";

function newQueue(options: Partial<WorkQueueOptions> = {}): { queue: WorkQueue; clock: ManualClock; wakes: number[] } {
  const clock = new ManualClock();
  const wakes: number[] = [];
  const queue = new WorkQueue({
    clock,
    rng: { ...seededRng(1), float: () => 0 },
    capacity: 100,
    retry: { firstMs: 50, maxMs: 1_000 },
    spacing: { firstMs: 10, maxMs: 80 },
    onReady: () => wakes.push(clock.monotonicMs()),
    ...options,
  });
  return { queue, clock, wakes };
}

function drain(queue: WorkQueue): string[] {
  const keys: string[] = [];
  for (let key = queue.take(); key !== undefined; key = queue.take()) keys.push(key);
  return keys;
}

test("a key added many times is handed out once, in order of first arrival", () => {
  const { queue, wakes } = newQueue();
  for (const key of ["b", "a", "b", "c", "a"]) queue.add(key);
  expect(queue.readyCount).toBe(3);
  expect(drain(queue)).toEqual(["b", "a", "c"]);
  expect(wakes).toEqual([0]);
});

test("a key added while it is worked on comes again once it was given back and has rested", async () => {
  const { queue, clock } = newQueue();
  queue.add("a");
  queue.take();
  queue.add("a");
  expect(queue.take()).toBeUndefined();
  queue.done("a");
  expect(queue.take()).toBeUndefined();
  await clock.advance(9);
  expect(queue.take()).toBeUndefined();
  await clock.advance(1);
  expect(queue.take()).toBe("a");
});

test("a key that is asked for in every rest rests longer, up to the bound; left alone for once it begins anew", async () => {
  const { queue, clock } = newQueue();
  queue.add("a");
  const rests: number[] = [];
  for (let turn = 0; turn < 6; turn += 1) {
    queue.take();
    queue.done("a");
    queue.add("a");
    const startMs = clock.monotonicMs();
    while (queue.readyCount === 0) await clock.advance(1);
    rests.push(clock.monotonicMs() - startMs);
  }
  expect(rests).toEqual([10, 20, 40, 80, 80, 80]);
  queue.take();
  queue.done("a");
  await clock.advance(100);
  queue.add("a");
  expect(queue.take()).toBe("a");
  queue.done("a");
  queue.add("a");
  await clock.advance(10);
  expect(queue.take()).toBe("a");
});

test("unspaced work may go on at once", () => {
  const { queue } = newQueue();
  queue.add("a");
  queue.take();
  queue.done("a", true);
  queue.add("a");
  expect(queue.take()).toBe("a");
});

test("failures back off, double, stay bounded, and are forgotten after success", async () => {
  const { queue, clock } = newQueue();
  queue.add("a");
  const delays: number[] = [];
  for (let failure = 0; failure < 7; failure += 1) {
    expect(queue.take()).toBe("a");
    const delayMs = queue.retry("a");
    delays.push(delayMs);
    await clock.advance(delayMs - 1);
    expect(queue.take()).toBeUndefined();
    await clock.advance(1);
  }
  expect(delays).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
  queue.take();
  queue.done("a", true);
  queue.add("a");
  queue.take();
  expect(queue.retry("a")).toBe(50);
});

test("a change brings a key in backoff forward, but not before its spacing", async () => {
  const { queue, clock } = newQueue();
  queue.add("a");
  queue.take();
  queue.retry("a");
  queue.add("a");
  await clock.advance(9);
  expect(queue.take()).toBeUndefined();
  await clock.advance(1);
  expect(queue.take()).toBe("a");
});

test("of several delays the shortest counts, and the key is handed out once", async () => {
  const { queue, clock } = newQueue();
  queue.addAfter("a", 500);
  queue.addAfter("a", 100);
  queue.addAfter("a", 300);
  await clock.advance(100);
  expect(drain(queue)).toEqual(["a"]);
  queue.done("a");
  await clock.advance(1_000);
  expect(drain(queue)).toEqual([]);
});

test("a full queue refuses new keys and keeps taking known ones", () => {
  const { queue } = newQueue({ capacity: 2 });
  expect([queue.add("a"), queue.add("b"), queue.add("c"), queue.add("a")]).toEqual([true, true, false, true]);
});

test("at rest nothing is kept and no timer runs", async () => {
  const { queue, clock } = newQueue();
  for (const key of ["a", "b", "c"]) queue.add(key);
  for (const key of drain(queue)) queue.done(key);
  await clock.advance(10);
  expect(queue.size).toBe(0);
  expect(clock.timerCount).toBe(0);
});

test("a closed queue hands out nothing and leaves no timer", async () => {
  const { queue, clock } = newQueue();
  queue.add("a");
  queue.add("b");
  queue.addAfter("c", 5);
  queue.take();
  queue.close();
  queue.add("d");
  queue.done("a");
  await clock.advance(100);
  expect(queue.take()).toBeUndefined();
  expect(clock.timerCount).toBe(0);
});

type Step =
  | { readonly do: "add"; readonly key: string; readonly delayMs: number }
  | { readonly do: "take" }
  | { readonly do: "finish"; readonly ok: boolean }
  | { readonly do: "pass"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("add" as const),
    key: fc.constantFrom("a", "b", "c"),
    delayMs: fc.constantFrom(0, 0, 7, 90),
  }),
  fc.record({ do: fc.constant("take" as const) }),
  fc.record({ do: fc.constant("finish" as const), ok: fc.boolean() }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 120 }) }),
);

test("whatever the order: no key is out twice at a time, and no wish is lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { queue, clock } = newQueue();
      const wished = new Set<string>();
      const out: string[] = [];
      for (const each of steps) {
        if (each.do === "add") {
          queue.addAfter(each.key, each.delayMs);
          wished.add(each.key);
        } else if (each.do === "take") {
          const key = queue.take();
          if (key === undefined) continue;
          expect(out).not.toContain(key);
          expect(wished).toContain(key);
          out.push(key);
          wished.delete(key);
        } else if (each.do === "finish") {
          const key = out.shift();
          if (key === undefined) continue;
          if (each.ok) queue.done(key);
          else {
            queue.retry(key);
            wished.add(key);
          }
        } else await clock.advance(each.ms);
      }
      for (const key of out) queue.done(key);
      await clock.advance(5_000);
      expect(new Set(drain(queue))).toEqual(wished);
    }),
    { seed: 7, numRuns: 300 },
  );
});
