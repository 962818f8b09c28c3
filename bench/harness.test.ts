import { expect, test } from "vitest";
import { judge, median, percentile } from "./harness.js";

test("a goal is met at its bound and missed beyond it", () => {
  const goal = { metric: "a_ms", op: "<=", bound: 10, stage: "first" } as const;
  expect(judge([goal], { a_ms: 10 })[0]?.met).toBe(true);
  expect(judge([goal], { a_ms: 10.1 })[0]?.met).toBe(false);
  expect(judge([{ ...goal, op: ">=" }], { a_ms: 9 })[0]?.met).toBe(false);
});

test("a goal whose metric was not measured is not judged", () => {
  expect(judge([{ metric: "a", op: "<=", bound: 1, stage: "full" }], { b: 1 })).toEqual([]);
});

test("the median of an even count lies between the middle values", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(percentile([1, 2, 3, 4, 5], 100)).toBe(5);
});
