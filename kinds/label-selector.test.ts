import { expect, test } from "vitest";
import { LabelSelector } from "../proto/gen/tallship/v1/meta.js";
import { isEmptySelector, matchesLabels, matchesSelector } from "./label-selector.js";

const labels = { app: "web", tier: "front", empty: "" };

// One row per operator and side; the value that is present but empty is the case most often got wrong.
const rows: readonly [operator: string, key: string, values: readonly string[], want: boolean][] = [
  ["In", "app", ["db", "web"], true],
  ["In", "app", ["db"], false],
  ["In", "absent", ["web"], false],
  ["NotIn", "app", ["web"], false],
  ["NotIn", "app", ["db"], true],
  ["NotIn", "absent", ["web"], true],
  ["Exists", "empty", [], true],
  ["Exists", "absent", [], false],
  ["Exists", "toString", [], false],
  ["DoesNotExist", "absent", [], true],
  ["DoesNotExist", "empty", [], false],
];

for (const [operator, key, values, want] of rows) {
  test(`selector ${operator} ${key} [${values}] is ${want}`, () => {
    expect(matchesSelector(LabelSelector.fromPartial({ matchExpressions: [{ key, operator, values }] }), labels)).toBe(
      want,
    );
  });
}

test("an empty selector selects everything, an absent one nothing", () => {
  expect(matchesSelector(LabelSelector.fromPartial({}), labels)).toBe(true);
  expect(isEmptySelector(LabelSelector.fromPartial({}))).toBe(true);
  expect(matchesSelector(undefined, labels)).toBe(false);
});

test("every part must hold", () => {
  const selector = LabelSelector.fromPartial({
    matchLabels: { app: "web" },
    matchExpressions: [{ key: "tier", operator: "In", values: ["back"] }],
  });
  expect(matchesSelector(selector, labels)).toBe(false);
  expect(matchesLabels({ app: "web", tier: "front" }, labels)).toBe(true);
  expect(matchesLabels({ app: "web", zone: "a" }, labels)).toBe(false);
});
