import fc from "fast-check";
import { expect, test } from "vitest";
import { limit } from "../../../lib/limits.js";
import { type Heard, judge } from "./liveness.js";

const heard = (name: string, heardAtMs: number | undefined, isEvicted = false): Heard => ({
  name,
  heardAtMs,
  everyMs: 500,
  isEvicted,
});

// Each row is one side of one threshold; a leader's first seconds are the case most often got wrong.
const rows = [
  { name: "speaks", node: heard("a", 99_000), since: 0, want: "heard" },
  { name: "missed one heartbeat", node: heard("a", 99_400), since: 0, want: "heard" },
  { name: "missed two", node: heard("a", 98_999), since: 0, want: "silent" },
  { name: "silent up to the bound", node: heard("a", 98_000), since: 0, want: "silent" },
  { name: "silent beyond it", node: heard("a", 97_999), since: 0, want: "lost" },
  { name: "silent for long", node: heard("a", 95_999), since: 0, want: "gone" },
  { name: "never heard by a new leader", node: heard("a", undefined), since: 99_500, want: "awaited" },
  { name: "never heard for a whole period", node: heard("a", undefined), since: 97_000, want: "lost" },
  { name: "heard before this leader led", node: heard("a", 10_000), since: 99_500, want: "heard" },
];

for (const { name, node, since, want } of rows)
  test(`life: ${name}`, () => expect(judge([node, heard("b", 100_000)], since, 100_000).lives.get("a")).toBe(want));

// A node that beats every two and a half seconds is waited for five times as long.
const rare = [
  { silenceMs: 5_000, want: "heard" },
  { silenceMs: 5_001, want: "silent" },
  { silenceMs: 10_001, want: "lost" },
  { silenceMs: 20_001, want: "gone" },
];
for (const { silenceMs, want } of rare)
  test(`life: one of rare heartbeats, after ${silenceMs} ms: ${want}`, () => {
    const node = { ...heard("a", 100_000 - silenceMs), everyMs: 2_500 };
    expect(judge([node, heard("b", 100_000)], 0, 100_000).lives.get("a")).toBe(want);
  });

test("a new leader of many nodes judges none that it has not heard before all could have come", () => {
  const nodes = Array.from({ length: 5_000 }, (_, at) => ({ ...heard(`node-${at}`, undefined), everyMs: 2_500 }));
  const lifeAfter = (ms: number) => judge(nodes, 0, ms).lives.get("node-0");
  const allBackMs = 5_000_000 / limit("reconnectsPerSecond");
  expect(lifeAfter(allBackMs + 5_000)).toBe("awaited");
  expect(lifeAfter(allBackMs + 10_001)).toBe("lost");
});

const here = (count: number) => Array.from({ length: count }, (_, at) => heard(`here-${at}`, 100_000));
const missing = (count: number, isEvicted = false, heardAtMs = 90_000) =>
  Array.from({ length: count }, (_, at) => heard(`missing-${isEvicted}-${at}`, heardAtMs, isEvicted));

const losses = [
  { name: "one of three", nodes: [...here(2), ...missing(1)], want: false },
  { name: "two of three", nodes: [...here(1), ...missing(2)], want: true },
  { name: "one of two", nodes: [...here(1), ...missing(1)], want: false },
  { name: "the only one", nodes: missing(1), want: true },
  { name: "half of ten", nodes: [...here(5), ...missing(5)], want: false },
  { name: "six of ten", nodes: [...here(4), ...missing(6)], want: true },
  {
    name: "silent ones count before they are lost",
    nodes: [...here(1), ...missing(1), heard("late", 98_900)],
    want: true,
  },
  {
    name: "one more after others were evicted long ago",
    nodes: [...here(2), ...missing(5, true), ...missing(1)],
    want: false,
  },
];

for (const { name, nodes, want } of losses)
  test(`mass loss: ${name}`, () => expect(judge(nodes, 0, 100_000).isMassLoss).toBe(want));

test("whatever the nodes: looking again when told finds the next change, and there is none before", () => {
  const node = fc.record({
    heardAtMs: fc.option(fc.nat({ max: 100_000 }), { nil: undefined }),
    everyMs: fc.constantFrom(0, 500, 2_500, 1_000_000),
    isEvicted: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(node, { minLength: 1, maxLength: 5 }), fc.nat({ max: 100_000 }), (parts, since) => {
      const nodes = parts.map((part, at) => ({ name: `node-${at}`, ...part }));
      const lives = (nowMs: number): string => JSON.stringify([...judge(nodes, since, nowMs).lives]);
      const { againMs } = judge(nodes, since, 100_000);
      if (againMs === undefined) expect(lives(1_000_000)).toBe(lives(100_000));
      else {
        expect(lives(100_000 + againMs - 1)).toBe(lives(100_000));
        expect(lives(100_000 + againMs)).not.toBe(lives(100_000));
      }
    }),
    { seed: 8, numRuns: 500 },
  );
});
