import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFAULT_EVICTION } from "../../lib/host-config.js";
import { judge, NO_PRESSURE, type PressureMemory } from "./judge.js";
import { evictionRules, type Stocks } from "./thresholds.js";

const rules = evictionRules({
  ...DEFAULT_EVICTION,
  ...{ hard: "memory.available<100,nodefs.available<10%", soft: "memory.available<300" },
  ...{ softGrace: "memory.available=60s", minimumReclaim: "memory.available=50" },
});
const TRANSITION_MS = 300_000;

function stocks(memory: number, disk = 1000): Stocks {
  return {
    "memory.available": { available: memory, capacity: 10_000 },
    "nodefs.available": { available: disk, capacity: 1000 },
  };
}

/** Plays looks, one every ten seconds, and returns what the last came to. */
function play(looks: readonly Stocks[], everyMs = 10_000) {
  let memory: PressureMemory = NO_PRESSURE;
  let last = judge(memory, { thresholds: rules.thresholds, stocks: {}, nowMs: 0 }, TRANSITION_MS);
  looks.forEach((seen, at) => {
    last = judge(memory, { thresholds: rules.thresholds, stocks: seen, nowMs: at * everyMs }, TRANSITION_MS);
    memory = last.memory;
  });
  return {
    signals: last.shortages.map(({ threshold }) => `${threshold.signal}${threshold.graceMs > 0 ? " soft" : ""}`),
    conditions: [...last.conditions.keys()].sort(),
  };
}

const times = (count: number, one: Stocks): readonly Stocks[] => Array.from({ length: count }, () => one);

// Both sides of every bound: of the amount, of the grace, of what is to be won back, and of the transition.
const rows = [
  { name: "enough of everything", looks: [stocks(300)], signals: [], conditions: [] },
  { name: "just at the bound is enough", looks: [stocks(300, 100)], signals: [], conditions: [] },
  {
    name: "a soft bound is a condition at once, and nobody pays",
    looks: [stocks(299)],
    signals: [],
    conditions: ["MemoryPressure"],
  },
  {
    name: "once its grace is over somebody pays",
    looks: times(7, stocks(299)),
    signals: ["memory.available soft"],
    conditions: ["MemoryPressure"],
  },
  {
    name: "a break begins the grace anew",
    looks: [...times(6, stocks(299)), stocks(400), stocks(299)],
    signals: [],
    conditions: ["MemoryPressure"],
  },
  {
    name: "a hard bound has no grace",
    looks: [stocks(99)],
    signals: ["memory.available"],
    conditions: ["MemoryPressure"],
  },
  {
    name: "what was passed has to be won back with what is asked beyond it",
    looks: [stocks(99), stocks(149)],
    signals: ["memory.available"],
    conditions: ["MemoryPressure"],
  },
  {
    name: "and then is over, the condition not yet",
    looks: [stocks(99), stocks(350)],
    signals: [],
    conditions: ["MemoryPressure"],
  },
  {
    name: "memory goes before the disk",
    looks: [stocks(99, 99)],
    signals: ["memory.available", "nodefs.available"],
    conditions: ["DiskPressure", "MemoryPressure"],
  },
  {
    name: "a condition ends when its time is over",
    looks: [stocks(99), ...times(30, stocks(400))],
    signals: [],
    conditions: [],
  },
  {
    name: "and not a look sooner",
    looks: [stocks(99), ...times(29, stocks(400))],
    signals: [],
    conditions: ["MemoryPressure"],
  },
  { name: "a signal that the host does not have is never met", looks: [{}], signals: [], conditions: [] },
];
test.each(rows)("$name", ({ looks, signals, conditions }) => {
  expect(play(looks)).toEqual({ signals, conditions });
});

test("whoever pays has a condition that says why; without a transition both come and go together with the shortage", () => {
  const look = fc.record({ memory: fc.nat(500), disk: fc.nat(200), passedMs: fc.integer({ min: 1, max: 90_000 }) });
  fc.assert(
    fc.property(fc.array(look, { maxLength: 40 }), (looks) => {
      let memory: PressureMemory = NO_PRESSURE;
      let nowMs = 0;
      for (const one of looks) {
        nowMs += one.passedMs;
        const seen = { thresholds: rules.thresholds, stocks: stocks(one.memory, one.disk), nowMs };
        const { shortages, conditions, memory: after } = judge(memory, seen, 0);
        memory = after;
        if (shortages.length > 0) expect(conditions.size).toBeGreaterThan(0);
        if (one.memory < 100) expect(conditions.has("MemoryPressure")).toBe(true);
        if (one.memory >= 350) expect(conditions.has("MemoryPressure")).toBe(false);
        expect(conditions.has("DiskPressure")).toBe(one.disk < 100);
      }
    }),
  );
});
