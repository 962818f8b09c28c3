import { expect, test } from "vitest";
import { seededRng } from "../../lib/rng.js";
import { generateTrace, MIXES } from "./generate.js";
import { nodesAtBest, nodesAtLeast, nodesByBestFitDecreasing, nodesByTallship } from "./nodes-used.js";
import { POLICIES } from "./policies.js";
import { allocated } from "./run.js";

test("every policy gives out most of a small cluster, never more than there is, and the same for the same seed", () => {
  const [mix] = MIXES;
  if (mix === undefined) throw new Error("there are mixes");
  const trace = generateTrace(mix, seededRng(1), { scale: 0.01, pods: 300 });
  for (const { placer } of POLICIES) {
    const once = () => allocated(trace, { placer: placer(trace, 7), seed: 7, arrivals: 1.3 });
    const { atCapacity, atEnd } = once();
    expect([atCapacity > 0.5, atEnd >= atCapacity, atEnd <= 1]).toEqual([true, true, true]);
    expect(once()).toEqual({ atCapacity, atEnd });
  }
});

test("nodes that are used: no fewer than are needed, and the exact count is between bound and heuristic", () => {
  const half = { cpu: 500, memory: 100 };
  const third = { cpu: 300, memory: 700 };
  const pods = [half, third, half, third, half];
  expect([nodesAtLeast(pods), nodesAtBest(pods), nodesByBestFitDecreasing(pods)]).toEqual([3, 3, 3]);
  for (const arrival of ["together", "apart"] as const)
    expect(nodesByTallship(pods, arrival)).toBeGreaterThanOrEqual(3);
});

test("pods that come together are placed large ones first, those that come one by one as they come", () => {
  const [small, large] = [300, 700].map((part) => ({ cpu: part, memory: part }));
  if (small === undefined || large === undefined) throw new Error("there are two sizes");
  const pods = [small, small, large, large];
  expect([nodesByTallship(pods, "apart"), nodesByTallship(pods, "together")]).toEqual([3, 2]);
});
