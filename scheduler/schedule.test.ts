import { expect, test } from "vitest";
import { Node } from "../proto/gen/tallship/v1/node.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { tellOfChanges, tellOfLoads } from "../test/kit/schedule-story.js";
import { schedule } from "./schedule.js";
import { Snapshot } from "./snapshot.js";

const nodeNames = ["a", "b", "c", "d", "e", "f"];

for (const policy of ["spread", "pack"] as const) {
  test(`policy ${policy}: on random clusters, through any changes, the decision equals the naive definition's`, () => {
    tellOfChanges(policy, { seed: 42, numRuns: 400 });
  });

  test(`policy ${policy}: on nodes that fill up slowly, what is remembered of them equals the naive definition's`, () => {
    tellOfLoads(policy, { seed: 42, numRuns: 150 });
  });

  // Enough for a ranking of three levels.
  test(`policy ${policy}: on many nodes as well`, () => {
    tellOfLoads(policy, { seed: 42, numRuns: 25, nodes: 80 });
  });
}

test("the order in which nodes and pods came does not matter", () => {
  const nodes = nodeNames.map((name) =>
    Node.fromPartial({
      metadata: { name },
      status: { allocatable: { cpu: "4", memory: "8Gi" }, conditions: [{ type: "Ready", status: "True" }] },
    }),
  );
  const place = (order: readonly Node[]): readonly string[] => {
    const snapshot = new Snapshot();
    for (const each of order) snapshot.setNode(each);
    const shape = snapshot.shapeOf(Pod.fromPartial({ spec: { containers: [{ name: "main" }] } }));
    const pending = nodeNames.map((id) => ({ id, shape }));
    return schedule(snapshot, pending).bindings.map(({ nodeName }) => nodeName);
  };
  expect(place(nodes)).toEqual(nodeNames);
  expect(place([...nodes].reverse())).toEqual(nodeNames);
});
