import fc from "fast-check";
import { expect, test } from "vitest";
import { overlaps, parseSubnet } from "../../../net/ipv4.js";
import { ipv6SubnetsOf, nodeSubnetsOf, subnetsOf } from "./subnets.js";

const cluster = { podCIDR: "10.128.0.0/9", nodePrefixLength: 22 };

// Holes are filled first; subnets that an earlier configuration left behind block what they overlap.
const rows = [
  { name: "an empty cluster", used: [], want: ["10.128.0.0/22", "10.128.4.0/22"] },
  { name: "a hole", used: ["10.128.0.0/22", "10.128.8.0/22"], want: ["10.128.4.0/22", "10.128.12.0/22"] },
  { name: "a larger subnet in the way", used: ["10.128.0.0/20"], want: ["10.128.16.0/22", "10.128.20.0/22"] },
  { name: "a smaller subnet in the way", used: ["10.128.1.0/24"], want: ["10.128.4.0/22", "10.128.8.0/22"] },
  { name: "nodes without a subnet", used: ["", "nonsense"], want: ["10.128.0.0/22", "10.128.4.0/22"] },
];

for (const { name, used, want } of rows) {
  test(`subnets: ${name}`, () => {
    const next = subnetsOf(cluster, used);
    expect([next(), next()]).toEqual(want);
  });
}

test("a full range gives nothing", () => {
  const next = subnetsOf({ podCIDR: "10.0.0.0/30", nodePrefixLength: 31 }, ["10.0.0.2/31"]);
  expect([next(), next()]).toEqual(["10.0.0.0/31", undefined]);
});

test("no two subnets ever overlap, whatever is in use", () => {
  const used = fc.array(fc.tuple(fc.nat({ max: 15 }), fc.integer({ min: 24, max: 28 })), { maxLength: 8 });
  fc.assert(
    fc.property(used, (parts) => {
      const taken = parts.map(
        ([at, length]) => `10.0.0.${Math.floor((at * 16) / 2 ** (32 - length)) * 2 ** (32 - length)}/${length}`,
      );
      const next = subnetsOf({ podCIDR: "10.0.0.0/24", nodePrefixLength: 28 }, taken);
      const given: string[] = [];
      for (let subnet = next(); subnet !== undefined; subnet = next()) given.push(subnet);
      for (const [at, subnet] of given.entries())
        for (const other of [...taken, ...given.slice(0, at)]) {
          const [one, two] = [parseSubnet(subnet), parseSubnet(other)];
          expect(one !== undefined && two !== undefined && overlaps(one, two)).toBe(false);
        }
    }),
    { seed: 2, numRuns: 300 },
  );
});

test("shares of IPv6 are /64s in order, holes first, and end with the range", () => {
  const next = ipv6SubnetsOf("fd00:10:128::/62", ["fd00:10:128:1::/64", "10.128.0.0/22", "nonsense"]);
  expect([next(), next(), next(), next()]).toEqual([
    "fd00:10:128::/64",
    "fd00:10:128:2::/64",
    "fd00:10:128:3::/64",
    undefined,
  ]);
});

test("a node gets a share of every family, or none when one family has none left", () => {
  const next = nodeSubnetsOf({ ...cluster, podCIDRIPv6: "fd00:10:128::/63" }, []);
  expect([next(), next(), next()]).toEqual([
    { podCIDR: "10.128.0.0/22", podCIDRs: ["10.128.0.0/22", "fd00:10:128::/64"] },
    { podCIDR: "10.128.4.0/22", podCIDRs: ["10.128.4.0/22", "fd00:10:128:1::/64"] },
    undefined,
  ]);
});
