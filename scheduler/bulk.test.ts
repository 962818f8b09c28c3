import { expect, test } from "vitest";
import { nodeOf, podOf, snapshotOf } from "../test/kit/schedule-world.js";
import { Bulks } from "./bulk.js";

test("a pod is as bulky as the squares of its shares of the largest node, one large share more than two small ones", () => {
  const nodes = [
    nodeOf({ name: "a", allocatable: { cpu: "4", memory: "8Gi", pods: "1" } }),
    nodeOf({ name: "b", allocatable: { cpu: "2", memory: "16Gi", pods: "1" } }),
  ];
  const snapshot = snapshotOf(nodes);
  const bulks = new Bulks(snapshot);
  const of = (requests: Readonly<Record<string, string>>): number =>
    bulks.of(snapshot.shapeOf(podOf({ requests }))).value;
  expect(of({ cpu: "2" })).toBe(0);
  for (const node of nodes) bulks.takeNode(node);
  const bulky: readonly Readonly<Record<string, string>>[] = [
    {},
    { cpu: "2" },
    { memory: "8Gi" },
    { cpu: "2", memory: "8Gi" },
    { cpu: "4" },
    { none: "1" },
  ];
  expect(bulky.map(of)).toEqual([0, 0.25, 0.25, 0.5, 1, 0]);
  bulks.takeNode(nodeOf({ name: "c", allocatable: { cpu: "8" } }));
  expect(of({ cpu: "4" })).toBe(0.25);
});
