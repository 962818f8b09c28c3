import fc from "fast-check";
import { expect, test } from "vitest";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { dualStack, networkObject, nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import type { Family } from "../family.js";
import type { PodWay } from "../health/peer-view.js";
import { subnetOf } from "../ipv4.js";
import type { Entry } from "../kernel/entries.js";
import { networkEntries } from "../networks/network-entries.js";
import { seenNetworks } from "../networks/seen-network.js";
import type { NodeNetworkConfig } from "../node-network.js";
import { heldPathMtus } from "./held-paths.js";
import { overlayEntries } from "./overlay-plan.js";
import { peersOf } from "./peers.js";
import { bytesAround, bytesWithin, routeMtu } from "./route-mtu.js";

interface Row {
  readonly way: PodWay;
  readonly family: Family;
  /** What passes between the hosts, whose devices take 1,500. */
  readonly path: number;
  readonly want: number | undefined;
}

// One row for each side of each boundary: what VXLAN and WireGuard add, what WireGuard fills up, what every link takes of IPv6, what the device takes anyway.
const rows: readonly Row[] = [
  { way: "link", family: "IPv4", path: 1_400, want: 1_400 },
  { way: "link", family: "IPv6", path: 1_400, want: 1_400 },
  // Larger than pods' packets, and not than those of the host itself.
  { way: "link", family: "IPv4", path: 1_480, want: 1_480 },
  { way: "link", family: "IPv6", path: 1_279, want: 1_280 },
  { way: "link", family: "IPv4", path: 1_500, want: undefined },
  { way: "link", family: "IPv4", path: 8_950, want: undefined },
  { way: "overlay", family: "IPv4", path: 1_400, want: 1_350 },
  { way: "overlay", family: "IPv6", path: 1_400, want: 1_350 },
  { way: "overlay", family: "IPv6", path: 1_330, want: 1_280 },
  { way: "overlay", family: "IPv6", path: 1_329, want: 1_280 },
  { way: "overlay", family: "IPv4", path: 1_329, want: 1_279 },
  { way: "overlay", family: "IPv4", path: 1_500, want: undefined },
  // Of 1,328 and one more byte 1,344 would be sent.
  { way: "tunnel", family: "IPv4", path: 1_403, want: 1_328 },
  { way: "tunnel", family: "IPv4", path: 1_404, want: 1_344 },
  { way: "tunnel", family: "IPv6", path: 1_339, want: 1_280 },
  { way: "tunnel", family: "IPv4", path: 1_339, want: 1_264 },
  { way: "tunnel", family: "IPv4", path: 1_499, want: 1_424 },
  { way: "tunnel", family: "IPv4", path: 1_500, want: undefined },
];
for (const { way, family, path, want } of rows)
  test(`where ${path} of 1500 bytes pass, a route of ${family} by ${way} says ${want ?? "nothing"}`, () => {
    const paths = { underlayMtu: 1_500, pathMtus: new Map([["10.128.5.1", path]]) };
    const route = { gateway: "10.128.5.1", way, family };
    expect(routeMtu(paths, route)).toEqual(want === undefined ? {} : { mtu: want });
    expect(routeMtu(paths, { ...route, gateway: "10.128.6.1" })).toEqual({});
  });

test("where devices take less than what every link must of IPv6, nothing more is said than they take", () => {
  const paths = { underlayMtu: 1_300, pathMtus: new Map([["10.128.5.1", 1_200]]) };
  expect(routeMtu(paths, { gateway: "10.128.5.1", way: "overlay", family: "IPv6" })).toEqual({});
});

test("what a route allows becomes no more than passes, and a packet that passed is allowed", () => {
  const ways = fc.constantFrom<PodWay>("link", "overlay", "tunnel");
  fc.assert(
    fc.property(ways, fc.integer({ min: 576, max: 9_000 }), (way, bytes) => {
      expect(bytesAround(way, bytesWithin(way, bytes))).toBeLessThanOrEqual(bytes);
      expect(bytesWithin(way, bytesAround(way, bytes))).toBeGreaterThanOrEqual(bytes);
    }),
  );
});

const UNDERLAY = { device: "eth0", mtu: 1_500, prefixLength: 24, linkIpv6: "fe80::4" };

/** Every entry of node 4, with a peer on its link, one behind a router, and one on the link that has told no address of IPv6 there; networks beside the cluster's, plain and encrypted. */
function entriesOf(traits: Partial<NodeNetworkConfig>, pathMtus: ReadonlyMap<string, number>): readonly Entry[] {
  const config = { ...nodeConfig(4), ...dualStack(4), ...traits };
  const nodes = [
    { at: 5, underlayIP: "192.168.9.5", linkIPv6: "fe80::5" },
    { at: 6, underlayIP: "192.168.8.6", linkIPv6: "fe80::6" },
    { at: 7, underlayIP: "192.168.9.7", linkIPv6: "" },
  ].map(({ at, underlayIP, linkIPv6 }) => {
    const { metadata, spec, status } = nodeObject(at, undefined, underlayIP);
    return Node.fromPartial({ metadata, spec, status: { overlay: { ...status?.overlay, linkIPv6 } } });
  });
  const { peers } = peersOf(nodes, config);
  const tunnels = new Map(peers.map(({ name }) => [name, "tswaabcdefgh"]));
  const networks = ["back", "safe"].map((name, at) => {
    const made = networkObject(name, { vni: 5_000 + at, encrypted: name === "safe" }, at);
    const slices = [4, 5, 6, 7].map((node) => ({
      nodeName: `node-${node}`,
      cidr: `10.64.${at}.${(node - 4) * 64}/26`,
    }));
    return { ...made, status: { pods: 0, conditions: [], slices: slices.map((slice) => ({ ...slice, idle: false })) } };
  });
  const seen = seenNetworks(networks, peers, config);
  return [
    ...overlayEntries(config, UNDERLAY, peers, { pathMtus, tunnels, markFamilies: ["IPv4", "IPv6"] }),
    ...networkEntries(config, { networks: seen, tunnels }, { underlayMtu: UNDERLAY.mtu, pathMtus }),
  ];
}

const CLUSTERS = [
  { what: "through the overlay", traits: {}, pods: [1_350, 1_350, 1_350] },
  { what: "over the link", traits: { directRouting: true }, pods: [1_400, 1_350, 1_400] },
  { what: "through tunnels", traits: { encrypted: true }, pods: [1_328, 1_328, 1_328] },
] as const;

for (const { what, traits, pods } of CLUSTERS) {
  test(`pods' packets that go ${what} are held to what passes there, on every network and by both families, gateways' probes are not`, () => {
    const gateways = [5, 6, 7].map((at) => `10.128.${at}.1`);
    const entries = entriesOf(traits, new Map(gateways.map((gateway) => [gateway, 1_400])));
    const routes = entries.flatMap((entry) => (entry.table === "route" ? [entry] : []));
    const mtuOf = (subnet: string): number | undefined => routes.find((route) => route.subnet === subnet)?.mtu;
    expect([5, 6, 7].map((at) => mtuOf(`10.128.${at}.0/24`))).toEqual(pods);
    for (const gateway of gateways)
      expect(routes.flatMap(({ subnet, mtu }) => (subnet === `${gateway}/32` ? [mtu] : []))).toEqual([undefined]);
    // Of IPv6 the third peer has told no address on the link.
    const six = [5, 6, 7].map((at) => mtuOf(`fd00:10:128:${at}::/64`));
    expect(six).toEqual("directRouting" in traits ? [1_400, 1_350, 1_350] : pods);
    for (const { device, via, subnet, mtu } of routes) {
      if (via === "" && device === "tallship0") continue;
      if (subnet.endsWith("/32") && subnet.startsWith("10.128.") && gateways.includes(subnet.slice(0, -3))) continue;
      expect({ subnet, mtu }).toEqual({
        subnet,
        mtu: device.startsWith("tsw") ? 1_328 : device === "eth0" ? 1_400 : 1_350,
      });
    }
  });

  test(`what passes to peers is read from routes that lead ${what}: they are the same again`, () => {
    const ground = {
      cluster: subnetOf("10.128.0.0/9", "test"),
      linkDevice: "directRouting" in traits ? "eth0" : undefined,
    };
    const paths = fc
      .record({ 5: size, 6: size, 7: size })
      .map(
        (sizes) =>
          new Map(
            Object.entries(sizes).flatMap(([at, bytes]) =>
              bytes === undefined ? [] : [[`10.128.${at}.1`, bytes] as const],
            ),
          ),
      );
    fc.assert(
      fc.property(paths, (pathMtus) => {
        const entries = entriesOf(traits, pathMtus);
        expect(entriesOf(traits, heldPathMtus(entries, ground))).toEqual(entries);
      }),
      { numRuns: 50 },
    );
  });
}

const size = fc.option(fc.integer({ min: 576, max: 1_600 }), { nil: undefined });
