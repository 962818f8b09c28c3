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
