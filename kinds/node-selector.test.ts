import { expect, test } from "vitest";
import { Node } from "../proto/gen/tallship/v1/node.js";
import { NodeSelector } from "../proto/gen/tallship/v1/placement.js";
import { matchesNodeSelector } from "./node-selector.js";

const node = Node.fromPartial({ metadata: { name: "n1", labels: { disk: "ssd", cores: "8" } } });
const need = (key: string, operator: string, values: string[] = []) => ({ key, operator, values });

// Each operator on both sides of its edge; an absent label is not In, and is NotIn.
const rows = [
  { term: { matchExpressions: [need("disk", "In", ["hdd", "ssd"])] }, want: true },
  { term: { matchExpressions: [need("disk", "In", ["hdd"])] }, want: false },
  { term: { matchExpressions: [need("zone", "NotIn", ["a"])] }, want: true },
  { term: { matchExpressions: [need("zone", "Exists")] }, want: false },
  { term: { matchExpressions: [need("zone", "DoesNotExist")] }, want: true },
  { term: { matchExpressions: [need("cores", "Gt", ["7"])] }, want: true },
  { term: { matchExpressions: [need("cores", "Gt", ["8"])] }, want: false },
  { term: { matchExpressions: [need("cores", "Lt", ["16"])] }, want: true },
  { term: { matchExpressions: [need("disk", "Lt", ["16"])] }, want: false },
  { term: { matchFields: [need("metadata.name", "In", ["n1"])] }, want: true },
  { term: { matchFields: [need("metadata.name", "In", ["n2"])] }, want: false },
  {
    term: { matchExpressions: [need("disk", "Exists")], matchFields: [need("metadata.name", "In", ["n2"])] },
    want: false,
  },
  { term: {}, want: false },
];
test.each(rows)("$term matches: $want", ({ term, want }) => {
  expect(matchesNodeSelector(NodeSelector.fromPartial({ nodeSelectorTerms: [term] }), node)).toBe(want);
});

test("one term of several is enough, and none matches nothing", () => {
  const terms = [
    { matchFields: [need("metadata.name", "In", ["n2"])] },
    { matchExpressions: [need("disk", "Exists")] },
  ];
  expect(matchesNodeSelector(NodeSelector.fromPartial({ nodeSelectorTerms: terms }), node)).toBe(true);
  expect(matchesNodeSelector(NodeSelector.fromPartial({}), node)).toBe(false);
});
