import fc from "fast-check";
import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { type OwnKey, planKeys, sendingGeneration, type TunnelPartner } from "./tunnel-plan.js";

const OLD = limit("tunnelKeyMs");
const OVERLAP = limit("tunnelOverlapMs");
const partner = (name: string, generations: readonly number[], met: readonly number[] = []): TunnelPartner => ({
  name,
  keys: generations.map((generation) => ({ generation, publicKey: `${name}${generation}`, port: 1 })),
  met: new Set(met),
});
const key = (generation: number, madeAtMs = 0): OwnKey => ({ generation, madeAtMs });

// Each row: what a node has and sees, and what follows.
const rows = [
  { name: "the first node begins", own: [], partners: [], nowMs: 0, want: { make: 1, drop: [] } },
  {
    name: "a new node takes the others' generation",
    own: [],
    partners: [partner("b", [7])],
    nowMs: 0,
    want: { make: 7, drop: [] },
  },
  {
    name: "a young key stays",
    own: [key(1)],
    partners: [partner("b", [1], [1])],
    nowMs: OLD - 1,
    want: { make: undefined, drop: [] },
  },
  {
    name: "a key of age begins a generation",
    own: [key(1)],
    partners: [partner("b", [1])],
    nowMs: OLD,
    want: { make: 2, drop: [] },
  },
  {
    name: "others follow, and keep the old",
    own: [key(1)],
    partners: [partner("b", [1, 2])],
    nowMs: 5,
    want: { make: 2, drop: [] },
  },
  {
    name: "the old one stays while somebody has not answered by the new",
    own: [key(1), key(2, 10)],
    partners: [partner("b", [1, 2], [1]), partner("c", [1, 2], [1, 2])],
    nowMs: 10 + OVERLAP,
    want: { make: undefined, drop: [] },
  },
  {
    name: "it goes when all who have the new one answer by it; who is away is not waited for",
    own: [key(1), key(2, 10)],
    partners: [partner("b", [1, 2], [2]), partner("away", [1])],
    nowMs: 10 + OVERLAP,
    want: { make: undefined, drop: [1] },
  },
  {
    name: "who has the new one and answers by neither is away, and is not waited for",
    own: [key(1), key(2, 10)],
    partners: [partner("b", [1, 2], [2]), partner("away", [1, 2])],
    nowMs: 10 + OVERLAP,
    want: { make: undefined, drop: [1] },
  },
  {
    name: "who was away for generations lets its own go",
    own: [key(1)],
    partners: [partner("b", [5])],
    nowMs: 5,
    want: { make: 5, drop: [1] },
  },
];

for (const { name, own, partners, nowMs, want } of rows)
  test(name, () => expect(planKeys(own, partners, nowMs)).toEqual(want));

interface SimulatedNode {
  readonly name: string;
  keys: OwnKey[];
  /** What it last heard of the others. */
  heard: Map<string, readonly OwnKey[]>;
}

// Hosts hear of each other late and in any order; time passes in jumps. Whoever sends by a generation must be understood: the receiver has that key, and knows the sender's.
test("through changes of keys nobody ever sends what the other end cannot open", () => {
  const step = fc.record({
    who: fc.integer({ min: 0, max: 3 }),
    hears: fc.integer({ min: 0, max: 3 }),
    passesMs: fc.constantFrom(0, 1_000, OVERLAP, OLD),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), (steps) => {
      const nodes: SimulatedNode[] = ["a", "b", "c", "d"].map((name) => ({ name, keys: [key(1)], heard: new Map() }));
      for (const one of nodes) for (const other of nodes) one.heard.set(other.name, [key(1)]);
      let nowMs = 0;
      // A generation is answered in when both ends have it configured.
      const opens = (from: SimulatedNode, to: SimulatedNode, generation: number): boolean =>
        to.keys.some((each) => each.generation === generation) &&
        (to.heard.get(from.name) ?? []).some((each) => each.generation === generation);
      const partnersOf = (node: SimulatedNode): readonly TunnelPartner[] =>
        nodes.flatMap((other) => {
          if (other === node) return [];
          const generations = (node.heard.get(other.name) ?? []).map(({ generation }) => generation);
          const met = node.keys.map(({ generation }) => generation).filter((each) => opens(node, other, each));
          return [
            partner(
              other.name,
              generations,
              met.filter((each) => generations.includes(each)),
            ),
          ];
        });
      for (const { who, hears, passesMs } of steps) {
        const [node, other] = [nodes[who], nodes[hears]];
        if (node === undefined || other === undefined || node === other) continue;
        nowMs += passesMs;
        node.heard.set(other.name, [...other.keys]);
        const { make, drop } = planKeys(node.keys, partnersOf(node), nowMs);
        node.keys = node.keys.filter(({ generation }) => !drop.includes(generation));
        if (make !== undefined) node.keys.push(key(make, nowMs));
        expect(node.keys.length).toBeLessThanOrEqual(2);
        for (const each of partnersOf(node)) {
          const generation = sendingGeneration(node.keys, each);
          const to = nodes.find(({ name }) => name === each.name);
          if (generation === undefined || to === undefined || each.met.size === 0) continue;
          expect(opens(node, to, generation)).toBe(true);
        }
      }
    }),
  );
});
