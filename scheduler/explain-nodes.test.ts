import fc from "fast-check";
import { expect, test } from "vitest";
import { nodeOf, podOf, snapshotOf } from "../test/kit/schedule-world.js";
import { explainNodes, onlyObjections } from "./explain-nodes.js";
import { schedule } from "./schedule.js";

test("a node tells everything it has against a pod, and what is the only thing stands out, least missing first", () => {
  const snapshot = snapshotOf([
    nodeOf({ name: "a", allocatable: { cpu: "1", memory: "2Gi" }, taints: [{ key: "gpu", effect: "NoSchedule" }] }),
    nodeOf({ name: "b", allocatable: { cpu: "8", memory: "2Gi" } }),
    nodeOf({ name: "c", allocatable: { cpu: "8", memory: "6Gi" } }),
    nodeOf({ name: "d", allocatable: { cpu: "8", memory: "64Gi" }, taints: [{ key: "gpu", effect: "NoSchedule" }] }),
  ]);
  const nodes = explainNodes(snapshot, snapshot.shapeOf(podOf({ requests: { cpu: "2", memory: "7Gi" } })));
  expect(nodes.map(({ objections }) => objections.map(({ filter, reason }) => `${filter}: ${reason}`))).toEqual([
    ["taints: tainted gpu", "resources: insufficient cpu", "resources: insufficient memory"],
    ["resources: insufficient memory"],
    ["resources: insufficient memory"],
    ["taints: tainted gpu"],
  ]);
  expect(onlyObjections(nodes)).toMatchObject([
    { objection: { reason: "insufficient memory", shortBy: { amount: 2 ** 30 } }, nodeNames: ["c", "b"] },
    { objection: { reason: "tainted gpu" }, nodeNames: ["d"] },
  ]);
});

test("whatever the nodes: one takes the pod exactly when it has nothing against it", () => {
  const parts = fc.record({
    cpu: fc.constantFrom("1", "2", "4"),
    ready: fc.constantFrom("True", "False"),
    unschedulable: fc.boolean(),
    isTainted: fc.boolean(),
    zone: fc.constantFrom("east", "west"),
  });
  const pods = fc.record({ cpu: fc.constantFrom("1", "3"), zone: fc.constantFrom("east", "north", undefined) });
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 5 }), pods, (list, { cpu, zone }) => {
      const nodes = list.map((each, at) =>
        nodeOf({
          name: `node-${at}`,
          allocatable: { cpu: each.cpu, memory: "8Gi" },
          labels: { zone: each.zone },
          ready: each.ready,
          unschedulable: each.unschedulable,
          taints: each.isTainted ? [{ key: "x", effect: "NoSchedule" }] : [],
        }),
      );
      const snapshot = snapshotOf(nodes);
      const shape = snapshot.shapeOf(podOf({ requests: { cpu }, nodeSelector: zone === undefined ? {} : { zone } }));
      const explained = explainNodes(snapshot, shape);
      const free = explained.filter(({ objections }) => objections.length === 0).map(({ nodeName }) => nodeName);
      const { bindings } = schedule(snapshot, [{ id: "p", shape }]);
      expect(bindings.length).toBe(free.length > 0 ? 1 : 0);
      for (const { nodeName } of bindings) expect(free).toContain(nodeName);
    }),
    { seed: 11, numRuns: 200 },
  );
});
