import fc from "fast-check";
import { expect, test } from "vitest";
import { anyHostility, HostileCluster, type Hostility } from "../test/kit/hostile-cluster.js";
import { nodeOf, podOf, snapshotOf } from "../test/kit/schedule-world.js";
import { attemptGang } from "./gang.js";
import { Standings } from "./standings.js";

function live(story: readonly Hostility[]): HostileCluster {
  const cluster = new HostileCluster();
  for (const each of story) cluster.suffer(each);
  return cluster;
}

test("two thousand gangs, each larger than the cluster, take nothing and leave nothing", () => {
  const nodes = ["a", "b", "c", "d"].map((name) => nodeOf({ name }));
  const snapshot = snapshotOf(nodes);
  const standings = new Standings(snapshot, "spread");
  snapshot.layOut();
  const before = snapshot.free.map((column) => [...column]);
  for (let gang = 0; gang < 2_000; gang += 1) {
    const pods = Array.from({ length: 30 }, (_, at) => ({
      id: `gang-${gang}-${at}`,
      shape: snapshot.shapeOf(podOf({ requests: { cpu: "1" } })),
      preempts: true,
    }));
    const whole = { pods, least: 30, topologyKey: "", isBounded: true, home: undefined };
    expect(attemptGang(snapshot, whole, standings)).toBeUndefined();
  }
  expect(snapshot.free.map((column) => [...column])).toEqual(before);
});

test("whatever is asked, and whatever happens to nodes: it ends, no node is filled beyond its room, no gang is torn, and the same story ends the same", () => {
  fc.assert(
    fc.property(anyHostility, (story) => {
      const cluster = live(story);
      expect(cluster.faults).toEqual([]);
      expect(live(story).placement).toEqual(cluster.placement);
    }),
    { seed: 7, numRuns: 200 },
  );
});
