import fc from "fast-check";
import { expect, test } from "vitest";
import { SortedRows } from "./sorted-rows.js";

test("after any changes, rows are those of a map, in order of key", () => {
  const change = fc.tuple(fc.constantFrom("set", "delete"), fc.string({ maxLength: 2 }), fc.nat());
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const rows = new SortedRows<number>();
      const model = new Map<string, number>();
      for (const [what, key, value] of changes) {
        if (what === "set") rows.set(key, value);
        else rows.delete(key);
        if (what === "set") model.set(key, value);
        else model.delete(key);
        const want = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
        expect(rows.list()).toEqual(want);
        expect(rows.size).toBe(model.size);
      }
    }),
  );
});

test("a list that a caller keeps does not change", () => {
  const rows = new SortedRows<string>();
  rows.set("a", "one");
  const kept = rows.list();
  expect(rows.list()).toBe(kept);
  rows.set("b", "two");
  rows.set("a", "changed");
  expect(kept).toEqual(["one"]);
});

// So many that blocks are cut, emptied and begun anew, in whatever order the keys come.
test.each(["in order", "in reverse", "mixed"])("many rows that come %s and go again are those of a map", (order) => {
  const rows = new SortedRows<number>();
  const count = 7_001;
  const numbers = Array.from({ length: count }, (_, at) => at);
  const places = {
    "in order": numbers,
    "in reverse": numbers.toReversed(),
    mixed: numbers.map((at) => (at * 4_243) % count),
  };
  const keyOf = (at: number): string => String(at).padStart(6, "0");
  for (const at of places[order as keyof typeof places]) rows.set(keyOf(at), at);
  expect(rows.list()).toEqual(numbers);
  for (const at of numbers) if (at % 3 !== 0) rows.delete(keyOf(at));
  for (let at = 2_000; at < 4_000; at += 1) rows.delete(keyOf(at));
  const left = numbers.filter((at) => at % 3 === 0 && (at < 2_000 || at >= 4_000));
  expect(rows.list()).toEqual(left);
  expect(rows.size).toBe(left.length);
  for (const at of numbers) rows.set(keyOf(at), -at);
  expect(rows.list()).toEqual(numbers.map((at) => -at));
});
