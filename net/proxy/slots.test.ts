import fc from "fast-check";
import { expect, test } from "vitest";
import { dealSlots, EXACT_SLOTS, slotCount, WIDE_SLOTS } from "./slots.js";

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `e${at}`);

// The boundaries between exact and shared slots, and between the sizes of shared ones.
const sizes: readonly (readonly [number, number])[] = [
  [0, 0],
  [1, 1],
  [128, 128],
  [129, 1_024],
  [256, 1_024],
  [257, 2_048],
  [4_096, 16_384],
];
for (const [count, size] of sizes) {
  test(`${count} endpoints have ${size} slots`, () => {
    expect(slotCount(count)).toBe(size);
    expect(count <= EXACT_SLOTS || WIDE_SLOTS.includes(size)).toBe(true);
  });
}

test("one endpoint less moves at most the last slot's holder into the gap", () => {
  expect(dealSlots(["a", "b", "c", "d"], ["a", "c", "d"])).toEqual(["a", "d", "c"]);
});

test("one endpoint more takes the new slot and moves nobody", () => {
  expect(dealSlots(["b", "c"], ["a", "b", "c"])).toEqual(["b", "c", "a"]);
});

test("every endpoint has its share of slots, and slots that can stay do", () => {
  const few = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 300 });
  fc.assert(
    fc.property(few, few, (before, after) => {
      const former = dealSlots([], before.map(String));
      const slots = dealSlots(former, after.map(String));
      const shares = new Map<string, number>();
      for (const slot of slots) shares.set(slot, (shares.get(slot) ?? 0) + 1);
      expect(slots.length).toBe(slotCount(after.length));
      expect([...shares.keys()].sort()).toEqual(after.map(String).sort());
      const counts = [...shares.values()];
      if (counts.length > 0) expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      // A slot whose endpoint stays is only given away when that endpoint has more than its share.
      for (const [at, slot] of former.entries()) {
        if (at >= slots.length || slots[at] === slot || !after.map(String).includes(slot)) continue;
        expect(shares.get(slot)).toBeGreaterThanOrEqual(Math.floor(slots.length / after.length));
      }
    }),
    { numRuns: 60 },
  );
});

test("a change among many endpoints moves few slots", () => {
  const former = dealSlots([], names(300));
  const slots = dealSlots(former, names(301));
  const moved = slots.filter((slot, at) => slot !== former[at]).length;
  expect(moved).toBeLessThan(20);
});
