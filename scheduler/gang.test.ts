import fc from "fast-check";
import { expect, test } from "vitest";
import { nodeOf, podOf, snapshotOf } from "../test/kit/schedule-world.js";
import { undo } from "./attempt.js";
import { attemptGang, type Gang } from "./gang.js";
import type { Snapshot } from "./snapshot.js";
import { Standings } from "./standings.js";
import { PLAIN_TENURE } from "./tenant.js";

const ZONES = ["east", "north", "west"];

interface Size {
  readonly cpu: number;
  readonly zone: number;
}

function clusterOf(nodes: readonly Size[]): Snapshot {
  return snapshotOf(
    nodes.map(({ cpu, zone }, at) =>
      nodeOf({
        name: `node-${at}`,
        labels: { zone: ZONES[zone] ?? "" },
        allocatable: { cpu: `${cpu}`, memory: "64Gi", pods: "110" },
      }),
    ),
  );
}

function gangOf(
  snapshot: Snapshot,
  name: string,
  cpus: readonly number[],
  parts: Partial<Gang> = {},
  priority = 0,
): Gang {
  const pods = cpus.map((cpu, at) => ({
    id: `${name}-${at}`,
    shape: snapshot.shapeOf(podOf({ requests: { cpu: `${cpu}` } })),
    tenure: { ...PLAIN_TENURE, priority },
    preempts: true,
  }));
  return { pods, least: pods.length, topologyKey: "", isBounded: true, home: undefined, ...parts };
}

const nodesOf = (snapshot: Snapshot, gang: Gang): readonly (string | undefined)[] =>
  gang.pods.map(({ id }) => snapshot.nodeOf(id));
const zoneOf = (snapshot: Snapshot, name: string | undefined): string | undefined =>
  snapshot.record(name ?? "")?.node?.metadata?.labels["zone"];

test("a gang that does not fit whole takes nothing; one pod less and all of it fits", () => {
  const snapshot = clusterOf([
    { cpu: 2, zone: 0 },
    { cpu: 1, zone: 0 },
  ]);
  const standings = new Standings(snapshot, "spread");
  expect(attemptGang(snapshot, gangOf(snapshot, "four", [1, 1, 1, 1]), standings)).toBeUndefined();
  const three = gangOf(snapshot, "three", [1, 1, 1]);
  expect(attemptGang(snapshot, three, standings)?.map(({ is }) => is)).toEqual(["bound", "bound", "bound"]);
});

test("a gang goes to the zone that it fills best, and nowhere when no zone has room for all", () => {
  const sizes = [
    { cpu: 8, zone: 0 },
    { cpu: 3, zone: 1 },
    { cpu: 2, zone: 2 },
  ];
  const snapshot = clusterOf(sizes);
  const standings = new Standings(snapshot, "spread");
  const gang = gangOf(snapshot, "g", [1, 1, 1], { topologyKey: "zone" });
  attemptGang(snapshot, gang, standings);
  expect(nodesOf(snapshot, gang)).toEqual(["node-1", "node-1", "node-1"]);
  const nine = [1, 1, 1, 1, 1, 1, 1, 1, 1];
  const large = gangOf(snapshot, "h", nine, { topologyKey: "zone" });
  expect(attemptGang(snapshot, large, standings)).toBeUndefined();
  const loose = gangOf(snapshot, "h", nine, { topologyKey: "zone", isBounded: false });
  expect(attemptGang(snapshot, loose, standings)).toHaveLength(9);
});

test("room is made for the whole gang and kept for all of it, and all get their nodes once the last victim has ended", () => {
  const snapshot = clusterOf([
    { cpu: 1, zone: 0 },
    { cpu: 1, zone: 0 },
  ]);
  const standings = new Standings(snapshot, "spread");
  const low = snapshot.shapeOf(podOf({ requests: { cpu: "1" } }));
  snapshot.place("low", low, "node-0");
  const gang = gangOf(snapshot, "g", [1, 1], {}, 10);
  const made = attemptGang(snapshot, gang, standings);
  expect(made?.map(({ is }) => is)).toEqual(["reserved", "reserved"]);
  expect(made?.flatMap(({ victims }) => victims.map(({ id }) => id))).toEqual(["low"]);
  expect(attemptGang(snapshot, gang, standings)).toBeUndefined();
  expect([...nodesOf(snapshot, gang)].sort()).toEqual(["node-0", "node-1"]);
  snapshot.remove("low");
  expect(attemptGang(snapshot, gang, standings)?.map(({ is }) => is)).toEqual(["bound", "bound"]);
});

const size = fc.record({ cpu: fc.integer({ min: 1, max: 6 }), zone: fc.nat({ max: 2 }) });
const wanted = fc.record({
  cpus: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 }),
  slack: fc.nat({ max: 2 }),
  topologyKey: fc.constantFrom("", "zone"),
  priority: fc.constantFrom(0, 0, 10),
});

test("gangs are never placed in part, never over-commit, stay in one zone where they must, and can be taken back", () => {
  fc.assert(
    fc.property(fc.array(size, { minLength: 1, maxLength: 6 }), fc.array(wanted, { maxLength: 6 }), (sizes, gangs) => {
      const snapshot = clusterOf(sizes);
      const standings = new Standings(snapshot, "spread");
      for (const [at, { cpus, slack, topologyKey, priority }] of gangs.entries()) {
        const least = Math.max(1, cpus.length - slack);
        const gang = gangOf(snapshot, `gang-${at}`, cpus, { least, topologyKey }, priority);
        const before = stateOf(snapshot);
        const trial = attemptGang(snapshot, gang, standings);
        undo(snapshot, trial ?? []);
        expect(stateOf(snapshot)).toEqual(before);
        const made = attemptGang(snapshot, gang, standings);
        expect(made).toEqual(trial);
        if (made === undefined) {
          const total = sizes.reduce((sum, { cpu }) => sum + cpu, 0);
          // Equal pods of one core fit wherever there is a core: then no gang is refused that has room.
          if (at === 0 && topologyKey === "" && cpus.every((cpu) => cpu === 1)) expect(total).toBeLessThan(least);
          continue;
        }
        expect(made.length).toBeGreaterThanOrEqual(least);
        const kinds = new Set(made.map(({ is }) => is));
        expect(kinds.size).toBe(1);
        if (topologyKey !== "") expect(new Set(made.map(({ nodeName }) => zoneOf(snapshot, nodeName))).size).toBe(1);
        for (const { victims } of made)
          for (const { tenure } of victims) expect(tenure.priority).toBeLessThan(priority);
      }
      for (const { slot, pods } of snapshot.records) {
        const staying = [...pods.values()].filter(({ tenure }) => !tenure.isEnding);
        const used = staying.reduce((sum, { shape }) => sum + (shape.requests[0]?.amount ?? 0), 0);
        expect(used).toBeLessThanOrEqual(1_000 * (sizes[slot]?.cpu ?? 0));
      }
    }),
    { seed: 3, numRuns: 1_000 },
  );
});

function stateOf(snapshot: Snapshot) {
  return {
    free: snapshot.free.map((column) => [...column]),
    pods: snapshot.records.map(({ pods }) => [...pods.values()].sort((a, b) => (a.id < b.id ? -1 : 1))),
  };
}
