import fc from "fast-check";
import { expect, test } from "vitest";
import { nodeOf, podOf, snapshotOf } from "../test/kit/schedule-world.js";
import { rebalance } from "./rebalance.js";
import { COLUMN, type Snapshot } from "./snapshot.js";
import { Standings } from "./standings.js";

const idsOf = (snapshot: Snapshot): readonly string[] =>
  snapshot.records.flatMap(({ pods }) => pods.values().map(({ id }) => id));
const run = (snapshot: Snapshot, most = 100) =>
  rebalance(snapshot, idsOf(snapshot), { standings: new Standings(snapshot, "spread"), most });

test("replicas that crowd on one node are moved apart, and no more of them than that takes", () => {
  const web = podOf({ owner: "web", requests: { cpu: "100m" } });
  const snapshot = snapshotOf([nodeOf({ name: "a" }), nodeOf({ name: "b" })], { a: [web, web, web] });
  expect(run(snapshot).moves).toEqual([
    { podId: "a-0", from: "a", to: "b", why: "3 of its replicas are on a, 0 on b" },
  ]);
  expect(run(snapshot).moves).toEqual([]);
});

test("a pod that its node would not take any more goes to one that does; a cordon is no reason", () => {
  const nodes = (taints: { key: string; effect: string }[], unschedulable = false) => [
    nodeOf({ name: "a", taints, unschedulable }),
    nodeOf({ name: "b" }),
  ];
  const pod = podOf({ owner: "web" });
  expect(run(snapshotOf(nodes([{ key: "gpu", effect: "NoSchedule" }]), { a: [pod] })).moves).toMatchObject([
    { to: "b", why: "a would not take it any more: tainted gpu" },
  ]);
  expect(run(snapshotOf(nodes([], true), { a: [pod] })).moves).toEqual([]);
});

test("a full node gives to an empty one, but not for a small difference, and budgets are kept to", () => {
  const pod = (owner: string) => podOf({ owner, requests: { cpu: "1" } });
  const full = { a: [pod("x"), pod("y"), pod("z")] };
  const two = [nodeOf({ name: "a" }), nodeOf({ name: "b" })];
  expect(run(snapshotOf(two, full)).moves).toMatchObject([{ why: "a is 75% reserved, b would be 25%" }]);
  expect(run(snapshotOf(two, { a: [pod("x")], b: [] })).moves).toEqual([]);
  const held = snapshotOf(two, full);
  held.budgets.set("", "all", { namespace: "", selector: undefined, allowed: 0 });
  // No selector selects nothing, an empty one everything.
  expect(run(held).moves).toHaveLength(1);
  const kept = snapshotOf(two, full);
  kept.budgets.set("", "all", { namespace: "", selector: { matchLabels: {}, matchExpressions: [] }, allowed: 0 });
  expect(run(kept)).toEqual({ moves: [], protectedCount: 3 });
});

test("whatever runs where: it stops, no node is filled beyond its room, and a second look finds nothing more than the first left", () => {
  const pods = fc.array(
    fc.record({
      owner: fc.constantFrom("x", "y", "z"),
      cpu: fc.constantFrom("250m", "1", "2"),
      at: fc.nat({ max: 3 }),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(pods, fc.integer({ min: 1, max: 4 }), (list, count) => {
      const nodes = Array.from({ length: count }, (_, at) => nodeOf({ name: `n${at}` }));
      const bound: Record<string, ReturnType<typeof podOf>[]> = {};
      for (const { owner, cpu, at } of list)
        bound[`n${at % count}`] = [...(bound[`n${at % count}`] ?? []), podOf({ owner, requests: { cpu } })];
      const snapshot = snapshotOf(nodes, bound);
      const overfull = (): number => Math.min(0, ...(snapshot.free[COLUMN.cpu] ?? []));
      const before = overfull();
      let rounds = 0;
      while (run(snapshot, 3).moves.length > 0) {
        rounds += 1;
        expect(overfull()).toBeGreaterThanOrEqual(before);
        expect(rounds).toBeLessThan(100);
      }
    }),
    { seed: 29, numRuns: 300 },
  );
});
