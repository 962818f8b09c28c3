import { expect, test } from "vitest";
import { nodeOf, podOf, snapshotOf } from "../test/kit/schedule-world.js";
import { explainScores } from "./explain-scores.js";

const allocatable = { cpu: "4", memory: "8Gi", pods: "110" };

test("nodes that would take a pod come in the order in which they would be chosen, with what each score says", () => {
  const running = podOf({ owner: "web", requests: { cpu: "1", memory: "2Gi" } });
  const snapshot = snapshotOf(
    [
      nodeOf({ name: "a", allocatable }),
      nodeOf({ name: "b", allocatable }),
      nodeOf({ name: "c", allocatable, unschedulable: true }),
      nodeOf({ name: "d", allocatable }),
    ],
    { a: [running] },
  );
  const shape = snapshot.shapeOf(podOf({ owner: "web", requests: { cpu: "1", memory: "1Gi" } }));
  const free = [
    { score: "spread", points: -0 },
    { score: "least-allocated", points: 812_500 },
    { score: "balanced", points: 875_000 },
  ];
  expect(explainScores(snapshot, shape, "spread")).toEqual([
    { nodeName: "b", points: 1_687_500, parts: free },
    { nodeName: "d", points: 1_687_500, parts: free },
    {
      nodeName: "a",
      points: -1_000_000 + 562_500 + 875_000,
      parts: [
        { score: "spread", points: -1_000_000 },
        { score: "least-allocated", points: 562_500 },
        { score: "balanced", points: 875_000 },
      ],
    },
  ]);
  expect(explainScores(snapshot, shape, "pack").map(({ nodeName }) => nodeName)).toEqual(["a", "b", "d"]);
});
