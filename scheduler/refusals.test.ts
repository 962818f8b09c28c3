import { expect, test } from "vitest";
import { nodeOf, podOf, snapshotOf } from "../test/kit/schedule-world.js";
import { type Refusals, refusalText, refusalWithNeed } from "./refusals.js";
import { explainShape, schedule } from "./schedule.js";

test("a pod that fits nowhere is told why, with counts and with what is missing at best", () => {
  const snapshot = snapshotOf([
    nodeOf({ name: "a", allocatable: { cpu: "4", memory: "2Gi" } }),
    nodeOf({ name: "b", allocatable: { cpu: "4", memory: "6Gi" } }),
    nodeOf({ name: "c", taints: [{ key: "gpu", value: "only", effect: "NoSchedule" }] }),
  ]);
  const shape = snapshot.shapeOf(podOf({ requests: { memory: "7.2Gi" } }));
  const { bindings, refusals } = schedule(snapshot, [{ id: "big", shape }]);
  expect(bindings).toEqual([]);
  expect(refusals.map((each) => refusalText(each.refusals))).toEqual([
    "0/3 nodes: 2 insufficient memory (short by 1.2Gi at best), 1 tainted gpu=only",
  ]);
});

const one = (shortBy: Refusals["reasons"][number]["shortBy"]): Refusals => ({
  ...{ nodes: 1, fitting: 0 },
  reasons: [{ reason: "insufficient x", nodes: 1, shortBy }],
});

// What is named is rounded up, so that freeing it is always enough.
const rows: readonly [Refusals, string][] = [
  [{ nodes: 0, fitting: 0, reasons: [] }, "0/0 nodes: no node has joined the cluster"],
  [one(undefined), "0/1 nodes: 1 insufficient x"],
  [one({ amount: 1, unit: "bytes" }), "0/1 nodes: 1 insufficient x (short by 1 at best)"],
  [one({ amount: 1023, unit: "bytes" }), "0/1 nodes: 1 insufficient x (short by 1023 at best)"],
  [one({ amount: 1025, unit: "bytes" }), "0/1 nodes: 1 insufficient x (short by 1.1Ki at best)"],
  [one({ amount: 2 ** 30, unit: "bytes" }), "0/1 nodes: 1 insufficient x (short by 1Gi at best)"],
  [one({ amount: 250, unit: "millicores" }), "0/1 nodes: 1 insufficient x (short by 250m at best)"],
  [one({ amount: 1_250, unit: "millicores" }), "0/1 nodes: 1 insufficient x (short by 1.3 at best)"],
  [one({ amount: 2, unit: "count" }), "0/1 nodes: 1 insufficient x (short by 2 at best)"],
];

for (const [refusals, want] of rows) test(`refusal: ${want}`, () => expect(refusalText(refusals)).toBe(want));

test("of a pod that cannot go alone the nodes are counted that would take it by itself", () => {
  const nodes = ["1", "4", "4"].map((cpu, at) => nodeOf({ name: `n${at}`, allocatable: { cpu, memory: "8Gi" } }));
  const textOf = (cpu: string): string => {
    const snapshot = snapshotOf(nodes);
    return refusalWithNeed("it needs more", explainShape(snapshot, snapshot.shapeOf(podOf({ requests: { cpu } }))));
  };
  expect(textOf("2")).toBe("it needs more; each: 2/3 nodes: 1 insufficient cpu (short by 1 at best)");
  expect(textOf("1")).toBe("it needs more");
});
