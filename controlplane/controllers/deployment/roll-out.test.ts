import fc from "fast-check";
import { expect, test } from "vitest";
import type { Bounds } from "./bounds.js";
import { proportion } from "./proportion.js";
import { recreate, roll, type SetScale } from "./roll-out.js";

const scale = (wanted: number, available = wanted, active = wanted): SetScale => ({ wanted, active, available });
const bounds = (replicas: number, surge: number, unavailable: number): Bounds => ({ replicas, surge, unavailable });

// Each row is one state of a roll-out of ten.
const rows = [
  {
    name: "begins with the surge and with what may be missing",
    current: scale(0),
    old: [scale(10)],
    bounds: bounds(10, 3, 2),
    want: { current: 3, old: [8] },
  },
  {
    name: "waits while the new pods are not available",
    current: scale(3, 0),
    old: [scale(8)],
    bounds: bounds(10, 3, 2),
    want: { current: 5, old: [8] },
  },
  {
    name: "does not count pods that a set has still to delete as gone",
    current: scale(3, 0),
    old: [scale(8, 8, 10)],
    bounds: bounds(10, 3, 2),
    want: { current: 3, old: [8] },
  },
  {
    name: "replaces as many as became available",
    current: scale(5, 2),
    old: [scale(8)],
    bounds: bounds(10, 3, 2),
    want: { current: 5, old: [6] },
  },
  {
    name: "without surge goes down first",
    current: scale(0),
    old: [scale(10)],
    bounds: bounds(10, 0, 1),
    want: { current: 0, old: [9] },
  },
  {
    name: "without missing goes up first",
    current: scale(0),
    old: [scale(10)],
    bounds: bounds(10, 1, 0),
    want: { current: 1, old: [10] },
  },
  {
    name: "takes broken old pods first, from any set",
    current: scale(0),
    old: [scale(5, 5), scale(5, 2)],
    bounds: bounds(10, 0, 3),
    want: { current: 0, old: [5, 2] },
  },
  {
    name: "takes broken old pods even when too few are available",
    current: scale(3, 0),
    old: [scale(10, 4)],
    bounds: bounds(10, 3, 2),
    want: { current: 3, old: [8] },
  },
  {
    name: "ends when the old sets are empty",
    current: scale(10),
    old: [scale(0), scale(0)],
    bounds: bounds(10, 3, 2),
    want: { current: 10, old: [0, 0] },
  },
  {
    name: "a current set that is too large shrinks",
    current: scale(12),
    old: [],
    bounds: bounds(10, 3, 2),
    want: { current: 10, old: [] },
  },
];

for (const { name, current, old, bounds: limits, want } of rows)
  test(`roll-out: ${name}`, () => expect(roll(current, old, limits)).toEqual(want));

test("a recreation waits for the last old pod", () => {
  expect(recreate(scale(0), [scale(3)], 3, bounds(3, 0, 3))).toEqual({ current: 0, old: [0] });
  expect(recreate(scale(0), [scale(0)], 1, bounds(3, 0, 3))).toEqual({ current: 0, old: [0] });
  expect(recreate(scale(0), [scale(0)], 0, bounds(3, 0, 3))).toEqual({ current: 3, old: [0] });
});

const anyScale = fc
  .record({ wanted: fc.nat({ max: 12 }), active: fc.nat({ max: 15 }), available: fc.nat({ max: 15 }) })
  .map(({ wanted, active, available }) => ({ wanted, active, available: Math.min(active, available) }));
const anyBounds = fc
  .record({ replicas: fc.nat({ max: 12 }), surge: fc.nat({ max: 4 }), unavailable: fc.nat({ max: 4 }) })
  .map(({ replicas, surge, unavailable }) => ({
    replicas,
    surge,
    unavailable: surge + unavailable === 0 ? 1 : unavailable,
  }));

test("in any state: a step never adds pods beyond the surge, nor takes available ones beyond what may be missing", () => {
  fc.assert(
    fc.property(anyScale, fc.array(anyScale, { maxLength: 3 }), anyBounds, (current, old, limits) => {
      const targets = roll(current, old, limits);
      const there = [current, ...old].reduce((sum, each) => sum + Math.max(each.wanted, each.active), 0);
      if (targets.current > current.wanted)
        expect(there + targets.current - current.wanted).toBeLessThanOrEqual(limits.replicas + limits.surge);
      const lasting = (wanted: number, { available }: SetScale): number => Math.min(wanted, available);
      const before = old.reduce((sum, each) => sum + lasting(each.wanted, each), 0);
      const after = old.reduce((sum, each, at) => sum + lasting(targets.old[at] ?? 0, each), 0);
      const served = after + lasting(current.wanted, current);
      if (after < before) expect(served).toBeGreaterThanOrEqual(limits.replicas - limits.unavailable);
      for (const [at, each] of old.entries()) expect(targets.old[at]).toBeLessThanOrEqual(each.wanted);
    }),
    { seed: 3, numRuns: 2_000 },
  );
});

test("with pods that all become available, every roll-out ends", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 3 }), anyBounds, (sizes, limits) => {
      let current = 0;
      let old: readonly number[] = sizes;
      for (let step = 0; step < 60; step += 1) {
        const targets = roll(
          scale(current),
          old.map((size) => scale(size)),
          limits,
        );
        current = targets.current;
        old = targets.old;
      }
      expect([current, ...old]).toEqual([limits.replicas, ...sizes.map(() => 0)]);
    }),
    { seed: 4, numRuns: 500 },
  );
});

// Rows from Kubernetes' documentation of proportional scaling, and its edges.
const shares = [
  {
    name: "ten to fifteen in the midst of a roll-out",
    sets: [
      [8, 13, 1],
      [5, 13, 2],
    ],
    to: bounds(15, 3, 2),
    want: [11, 7],
  },
  {
    name: "down to half",
    sets: [
      [8, 13, 1],
      [5, 13, 2],
    ],
    to: bounds(5, 3, 2),
    want: [5, 3],
  },
  {
    name: "to nothing",
    sets: [
      [8, 13, 1],
      [5, 13, 2],
    ],
    to: bounds(0, 0, 1),
    want: [0, 0],
  },
  {
    name: "what rounding leaves goes to the larger, newer set",
    sets: [
      [5, 10, 1],
      [5, 10, 2],
    ],
    to: bounds(11, 0, 1),
    want: [5, 6],
  },
] as const;

for (const { name, sets, to, want } of shares) {
  test(`proportional scaling: ${name}`, () => {
    const given = sets.map(([wanted, maxBefore, revision]) => ({ wanted, maxBefore, revision }));
    expect(proportion(given, to)).toEqual(want);
  });
}

const share = fc.record({ wanted: fc.nat({ max: 20 }), maxBefore: fc.nat({ max: 30 }), revision: fc.nat({ max: 5 }) });
test("proportional scaling always ends with exactly what is allowed", () => {
  fc.assert(
    fc.property(fc.array(share, { minLength: 1, maxLength: 4 }), anyBounds, (sets, limits) => {
      const targets = proportion(sets, limits);
      const allowed = limits.replicas === 0 ? 0 : limits.replicas + limits.surge;
      expect(targets.reduce((sum, target) => sum + target, 0)).toBe(allowed);
      for (const target of targets) expect(target).toBeGreaterThanOrEqual(0);
    }),
    { seed: 9, numRuns: 1_000 },
  );
});
