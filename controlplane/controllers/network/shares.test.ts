import fc from "fast-check";
import { expect, test } from "vitest";
import { overlaps, parseSubnet } from "../../../net/ipv4.js";
import { type NetworkSlice, NetworkSpec } from "../../../proto/gen/tallship/v1/network.js";
import { shareOut } from "./shares.js";

const spec = NetworkSpec.fromPartial({ subnet: "10.64.0.0/24", nodePrefixLength: 26 });
const world = (nodes: readonly string[], wanting: readonly string[]) => ({
  nodes: new Set(nodes),
  wanting: new Set(wanting),
});

test("nodes with pods get shares in order of their names, and keep them when the pods are gone", () => {
  const first = shareOut(spec, [], world(["a", "b", "c"], ["b", "a"]));
  const [a, b] = [
    { nodeName: "a", cidr: "10.64.0.0/26", idle: false },
    { nodeName: "b", cidr: "10.64.0.64/26", idle: false },
  ];
  expect(first.slices).toEqual([a, b]);
  // It is told that nobody is there any more: then nobody needs the way to it either.
  const without = shareOut(spec, first.slices, world(["a", "b", "c"], ["b"])).slices;
  expect(without).toEqual([{ ...a, idle: true }, b]);
  expect(shareOut(spec, without, world(["a", "b", "c"], ["a", "b"])).slices).toEqual([a, b]);
});

test("of a range that is used up, nodes without pods lose theirs to those with; when all have pods, the rest gets none", () => {
  const nodes = ["a", "b", "c", "d", "e"];
  const full = shareOut(spec, [], world(nodes, ["a", "b", "c", "d"])).slices;
  const moved = shareOut(spec, full, world(nodes, ["a", "b", "c", "e"]));
  expect(moved.slices.map(({ nodeName }) => nodeName)).toEqual(["a", "b", "c", "e"]);
  expect(shareOut(spec, full, world(nodes, nodes))).toEqual({ slices: full, without: ["e"] });
});

test("a node that has left gives its share back", () => {
  const { slices } = shareOut(spec, [], world(["a", "b"], ["a", "b"]));
  expect(shareOut(spec, slices, world(["b"], ["b"])).slices).toEqual([
    { nodeName: "b", cidr: "10.64.0.64/26", idle: false },
  ]);
});

test("whatever nodes come, go and want: no two shares overlap, all lie in the range, and doing it again changes nothing", () => {
  const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f", "g"));
  const steps = fc.array(fc.record({ nodes: names, wanting: names }), { maxLength: 12 });
  fc.assert(
    fc.property(steps, (worlds) => {
      let slices: readonly NetworkSlice[] = [];
      for (const { nodes, wanting } of worlds) {
        const at = world(
          nodes,
          wanting.filter((name) => nodes.includes(name)),
        );
        const next = shareOut(spec, slices, at);
        expect(shareOut(spec, next.slices, at).slices).toEqual(next.slices);
        // Who had a share and still wants it has the same one.
        for (const { nodeName, cidr } of slices)
          if (at.wanting.has(nodeName)) expect(next.slices).toContainEqual({ nodeName, cidr, idle: false });
        expect(next.slices.filter(({ idle }) => !idle).map(({ nodeName }) => nodeName)).toEqual(
          next.slices.map(({ nodeName }) => nodeName).filter((name) => at.wanting.has(name)),
        );
        slices = next.slices;
        const subnets = slices.flatMap(({ cidr }) => parseSubnet(cidr) ?? []);
        expect(subnets.every((one, place) => !subnets.slice(place + 1).some((other) => overlaps(one, other)))).toBe(
          true,
        );
        expect(slices.every(({ cidr }) => /^10\.64\.0\.(0|64|128|192)\/26$/.test(cidr))).toBe(true);
      }
    }),
  );
});
