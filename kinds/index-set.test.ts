import fc from "fast-check";
import { expect, test } from "vitest";
import { indexesText, parseIndexes } from "./index-set.js";

const rows = [
  { indexes: [], want: "" },
  { indexes: [0], want: "0" },
  // Two in a row are written one by one, as in Kubernetes.
  { indexes: [3, 4], want: "3,4" },
  { indexes: [5, 1, 3, 4], want: "1,3-5" },
];
test.each(rows)("$indexes is written $want", ({ indexes, want }) => {
  expect(indexesText(indexes)).toBe(want);
});

test.each(["1,", "a", "3-1", "1,1", "4,2", "0-5", "-1", "1-2-3"])("%s is no set of indexes below 5", (text) => {
  expect(parseIndexes(text, 5)).toBeUndefined();
});

test("what is written is read back", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 60 })), (indexes) => {
      const sorted = [...indexes].sort((left, right) => left - right);
      expect([...(parseIndexes(indexesText(indexes), 61) ?? [])]).toEqual(sorted);
    }),
    { seed: 3 },
  );
});
