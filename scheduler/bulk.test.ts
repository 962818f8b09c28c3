import { expect, test } from "vitest";
import { nodeOf, podOf, snapshotOf } from "../test/kit/schedule-world.js";
import { Bulks } from "./bulk.js";

type Requests = Readonly<Record<string, string>>;

const nodes = [
  nodeOf({ name: "a", allocatable: { cpu: "4", memory: "8Gi", pods: "1" } }),
  nodeOf({ name: "b", allocatable: { cpu: "2", memory: "16Gi", pods: "1", "example.com/gpu": "8" } }),
];

function measured() {
  const snapshot = snapshotOf(nodes);
  const bulks = new Bulks(snapshot);
  return { bulks, of: (requests: Requests): number => bulks.of(snapshot.shapeOf(podOf({ requests }))).value };
}

test("a pod counts by its greatest share of the largest node; without nodes, or where none has what it asks for, by nothing", () => {
  const { bulks, of } = measured();
  expect(of({ cpu: "2" })).toBe(0);
  for (const node of nodes) bulks.takeNode(node);
  expect([of({}), of({ none: "1" })]).toEqual([0, 0]);
  expect(of({ cpu: "2", memory: "8Gi" })).toBe(0.5);
  expect(of({ cpu: "1", memory: "4Gi", "example.com/gpu": "4" })).toBe(0.5);
  bulks.takeNode(nodeOf({ name: "c", allocatable: { cpu: "8", memory: "32Gi" } }));
  expect(of({ cpu: "2", memory: "8Gi" })).toBe(0.25);
});

// Each comes before the next one: size by classes first, then lean, whichever way.
const order: readonly Requests[] = [
  { cpu: "4", memory: "16Gi" },
  { cpu: "2", memory: "512Mi" },
  { cpu: "500m", memory: "9Gi" },
  { cpu: "2", memory: "9Gi" },
  { cpu: "1", memory: "4Gi" },
  { cpu: "10m" },
];

test("in a class of sizes the lopsided come first, and no lean outweighs a class", () => {
  const { bulks, of } = measured();
  for (const node of nodes) bulks.takeNode(node);
  const values = order.map(of);
  expect(values).toEqual([...values].sort((left, right) => right - left));
  expect(new Set(values).size).toBe(order.length);
});
