import fc from "fast-check";
import { expect, test } from "vitest";
import { overlaps as overlapsInText } from "../../lib/cidr-overlap.js";
import { Network } from "../../proto/gen/tallship/v1/network.js";
import { networkDevice } from "../device-names.js";
import { formatAddress, parseSubnet } from "../ipv4.js";
import { containsIpv6, formatIpv6Subnet, ipv6ShareOf, ipv6SubnetOf } from "../ipv6.js";
import type { Entry } from "../kernel/entries.js";
import type { NodeNetworkConfig } from "../node-network.js";
import type { Peer } from "../overlay/peers.js";
import { networkEntries } from "./network-entries.js";
import { networkTable } from "./network-firewall.js";
import { seenNetworks } from "./seen-network.js";

const config: NodeNetworkConfig = {
  nodeName: "a",
  podCIDR: "10.128.0.0/22",
  clusterCIDR: "10.128.0.0/9",
  serviceCIDR: "10.96.0.0/12",
  dnsAddress: "10.96.0.10",
  clusterDomain: "cluster.local",
  vxlanPort: 4789,
  directRouting: false,
  encrypted: false,
  vni: 1,
  underlayIP: "192.168.9.1",
  nodePortMin: 30_000,
  nodePortMax: 32_767,
  internalPorts: [],
  probePort: 7447,
  runDir: "/run/x",
};
const b: Peer = {
  name: "b",
  podCIDR: "10.128.4.0/22",
  gateway: "10.128.4.1",
  vtepMac: "02:00:00:00:00:0b",
  underlayIp: "192.168.9.2",
};

type Spec = NonNullable<Parameters<typeof Network.fromPartial>[0]["spec"]>;
const network = (name: string, spec: Spec, slices: Readonly<Record<string, string>> = {}): Network =>
  Network.fromPartial({
    metadata: { name, namespace: "shop" },
    spec: { driver: "overlay", ...spec },
    status: { slices: Object.entries(slices).map(([nodeName, cidr]) => ({ nodeName, cidr })) },
  });
const seen = (...networks: readonly Network[]) => seenNetworks(networks, [b], config);
const back = network("back", { subnet: "10.64.0.0/20", vni: 4096 }, { a: "10.64.0.0/26", b: "10.64.0.64/26" });

test("a node with a share has the network's device, and each peer's share by it", () => {
  const device = networkDevice("shop/back");
  expect(
    networkEntries(config, { networks: seen(back), tunnels: new Map() }, { underlayMtu: 1_500, pathMtus: new Map() }),
  ).toEqual([
    { table: "address", device: "tallship0", ip: "10.64.0.1", scope: "host" },
    expect.objectContaining({ table: "device", device, vni: 4096, mtu: 1450, underlayIp: "192.168.9.1" }),
    { table: "neigh", device, ip: "10.64.0.65", mac: b.vtepMac },
    { table: "fdb", device, mac: b.vtepMac, underlayIp: "192.168.9.2" },
    { table: "route", device, subnet: "10.64.0.64/26", via: "10.64.0.65", source: "10.64.0.1" },
    { table: "refusal", subnet: "10.64.0.0/20" },
  ]);
});

test("a node without a share reaches the shares of others by the cluster's own overlay", () => {
  const elsewhere = network("back", { subnet: "10.64.0.0/20", vni: 4096 }, { b: "10.64.0.64/26" });
  expect(
    networkEntries(
      config,
      { networks: seen(elsewhere), tunnels: new Map() },
      { underlayMtu: 1_500, pathMtus: new Map() },
    ),
  ).toEqual([
    { table: "route", device: "tallship0", subnet: "10.64.0.64/26", via: "10.128.4.1", source: "10.128.0.1" },
    { table: "refusal", subnet: "10.64.0.0/20" },
  ]);
});

const dual: NodeNetworkConfig = {
  ...config,
  ipv6: { podCIDR: "fd00:10:128::/64", clusterCIDR: "fd00:10:128::/48", serviceCIDR: "fd00:10:96::/108" },
};
const dualB: Peer = { ...b, ipv6: { podCIDR: "fd00:10:128:1::/64", gateway: "fd00:10:128:1::1", leadsBack: false } };
const seenBoth = (...networks: readonly Network[]) => seenNetworks(networks, [dualB], dual);
const backSix = network(
  "back",
  { subnet: "10.64.0.0/20", subnets: ["10.64.0.0/20", "fd00:64::/64"], vni: 4096 },
  { a: "10.64.0.0/26", b: "10.64.0.64/26" },
);
const entriesOf = (networks: ReturnType<typeof seenBoth>) =>
  networkEntries(dual, { networks, tunnels: new Map() }, { underlayMtu: 1_500, pathMtus: new Map() });

test("shares of IPv6 are those of IPv4 in the network's range, led the same way", () => {
  const device = networkDevice("shop/back");
  const entries = entriesOf(seenBoth(backSix)).filter((entry) => /fd00:|fe80:/.test(JSON.stringify(entry)));
  expect(entries).toEqual([
    { table: "address", device: "tallship0", ip: "fd00:64::a40:1", scope: "host" },
    { table: "neigh", device, ip: "fe80::a40:41", mac: b.vtepMac },
    { table: "route", device, subnet: "fd00:64::a40:40/122", via: "fe80::a40:41", source: "fd00:64::a40:1" },
    { table: "refusal", subnet: "fd00:64::/64" },
  ]);
  const elsewhere = {
    ...backSix,
    status: { slices: [{ nodeName: "b", cidr: "10.64.0.64/26", idle: false }], pods: 0, conditions: [] },
  };
  expect(entriesOf(seenBoth(elsewhere)).filter((entry) => JSON.stringify(entry).includes("fd00:"))).toEqual([
    {
      ...{ table: "route", device: "tallship0", subnet: "fd00:64::a40:40/122" },
      ...{ via: "fe80::a80:401", source: "fd00:10:128::1" },
    },
    { table: "refusal", subnet: "fd00:64::/64" },
  ]);
});

// The network stands by IPv4 without it.
for (const [name, subnets, self] of [
  ["that overlaps the cluster's pods", ["fd00:10:128:7::/64"], dual],
  ["that overlaps the cluster's services", ["fd00:10:96::/64"], dual],
  ["without room for addresses of IPv4", ["fd00:64::/97"], dual],
  ["with host bits", ["fd00:64::1/64"], dual],
  ["in a cluster of IPv4 alone", ["fd00:64::/64"], config],
] as const)
  test(`a range of IPv6 ${name} is left out`, () => {
    const one = network("x", { subnet: "10.64.0.0/20", subnets: [...subnets] }, { a: "10.64.0.0/26" });
    expect(seenNetworks([one], [dualB], self)).toMatchObject([{ share: "10.64.0.0/26" }]);
    expect(seenNetworks([one], [dualB], self)[0]?.ipv6).toBeUndefined();
  });

test("of two networks with one range of IPv6 the first by name has it, and one in tunnels its own as any other", () => {
  const second = network("later", { subnet: "10.65.0.0/20", subnets: ["fd00:64::/48"] });
  const sealed = network("sealed", { subnet: "10.66.0.0/20", subnets: ["fd00:66::/64"], encrypted: true });
  expect(seenBoth(second, backSix, sealed).map(({ name, ipv6 }) => [name, ipv6?.subnet])).toEqual([
    ["shop/back", "fd00:64::/64"],
    ["shop/later", undefined],
    ["shop/sealed", "fd00:66::/64"],
  ]);
});

const SAFE = { subnet: "10.66.0.0/20", subnets: ["10.66.0.0/20", "fd00:66::/64"], encrypted: true };
const B_ALONE = { b: "10.66.0.64/26" };
const safe = (slices: Readonly<Record<string, string>>) => seenBoth(network("safe", SAFE, slices));
const tunnels = new Map([["b", "tswb"]]);
/** Routes by tunnels, and the node's addresses, in a word or two each. */
const waysOf = (entries: readonly Entry[]): readonly string[] =>
  entries.flatMap((entry) => {
    if (entry.table === "address") return [`address ${entry.ip}`];
    if (entry.table !== "route") return [];
    return [
      `${entry.subnet} by ${entry.device} from ${entry.source}${entry.mtu === undefined ? "" : ` mtu ${entry.mtu}`}`,
    ];
  });

test("shares of both families are led through tunnels, from the node's own share, or else from its end of them", () => {
  const ends = ["address 10.128.3.255", "address fd00:10:128:0:ffff:ffff:ffff:ffff"];
  const theirEnds = [
    "10.128.7.255/32 by tswb from 10.128.3.255",
    "fd00:10:128:1:ffff:ffff:ffff:ffff/128 by tswb from fd00:10:128:0:ffff:ffff:ffff:ffff",
  ];
  const mtus = { underlayMtu: 1_500, pathMtus: new Map() };
  const withShare = safe({ a: "10.66.0.0/26", ...B_ALONE });
  expect(waysOf(networkEntries(dual, { networks: withShare, tunnels }, mtus))).toEqual([
    "address 10.66.0.1",
    "address fd00:66::a42:1",
    "10.66.0.64/26 by tswb from 10.66.0.1",
    "fd00:66::a42:40/122 by tswb from fd00:66::a42:1",
    ...ends,
    ...theirEnds,
  ]);
  expect(waysOf(networkEntries(dual, { networks: safe(B_ALONE), tunnels }, mtus))).toEqual([
    "10.66.0.64/26 by tswb from 10.128.3.255",
    "fd00:66::a42:40/122 by tswb from fd00:10:128:0:ffff:ffff:ffff:ffff",
    ...ends,
    ...theirEnds,
  ]);
  const refusals = networkEntries(dual, { networks: withShare, tunnels: new Map() }, mtus);
  expect(refusals.map(({ table }) => table)).toEqual(["address", "address", "refusal", "refusal"]);
});

const narrow = [
  { what: "by VXLAN", self: dual },
  { what: "over the link as it is", self: { ...dual, directRouting: true } },
  { what: "through the same tunnel", self: { ...dual, encrypted: true } },
];
for (const { what, self } of narrow)
  test(`where less passes, all routes by the tunnel say so: the cluster's own packets go ${what}`, () => {
    const mtus = { underlayMtu: 1_500, pathMtus: new Map([[dualB.gateway, 1_400]]) };
    const routes = networkEntries(self, { networks: safe(B_ALONE), tunnels }, mtus).filter(
      ({ table }) => table === "route",
    );
    expect(routes).toHaveLength(4);
    expect(routes).toMatchObject(routes.map(() => ({ mtu: 1_328 })));
  });

test("every share of IPv6 lies in its network's range, and two do exactly when those of IPv4 do", () => {
  const bits = (text: string): { readonly base: bigint; readonly length: number } => {
    const { base, prefixLength } = ipv6SubnetOf(text, "share");
    return { base, length: prefixLength };
  };
  const share = fc
    .record({ value: fc.nat(0xffffff), length: fc.integer({ min: 9, max: 30 }) })
    .map(({ value, length }) => {
      const size = 2 ** (32 - length);
      return `${formatAddress(0x0a000000 + value - ((value % size) % 0x01000000))}/${length}`;
    })
    .filter((text) => parseSubnet(text) !== undefined);
  const range = fc
    .tuple(fc.bigInt({ min: 0n, max: 2n ** 56n - 1n }), fc.integer({ min: 64, max: 96 }))
    .map(([value, length]) => formatIpv6Subnet({ base: ((0xfdn << 56n) + value) << 64n, prefixLength: length }));
  fc.assert(
    fc.property(range, share, share, (subnet, one, other) => {
      const [first, second] = [one, other].map((each) => ipv6ShareOf(subnet, each));
      if (first === undefined || second === undefined) return;
      const whole = ipv6SubnetOf(subnet, "range");
      expect(containsIpv6(whole, bits(first).base)).toBe(true);
      expect(overlapsInText(first, second)).toBe(overlapsInText(one, other));
    }),
  );
});

test("the table of IPv6 keeps apart by IPv6 the networks that have it, and knows pods by their addresses there", () => {
  const inner = network("inner", { subnet: "10.64.16.0/20", subnets: ["fd00:65::/64"], internal: true });
  const plain = network("plain", { subnet: "10.64.32.0/20" });
  const pods = [{ addresses: ["fd00:64::a40:2", "fd00:65::a40:1002"] }];
  const frame = { ...dual, ...dual.ipv6, family: "IPv6" as const };
  const { sets, chains } = networkTable(seenBoth(backSix, inner, plain), pods, frame);
  const elements = (name: string): readonly string[] => [...(sets.get(name)?.elements.keys() ?? [])];
  expect(elements("networks")).toEqual(["fd00:64::/64", "fd00:65::/64"]);
  expect(elements("networks-from")).toEqual(["fd00:65::/64"]);
  expect(elements("joins")).toEqual(["fd00:64::a40:2 . fd00:65::/64", "fd00:65::a40:1002 . fd00:64::/64"]);
  expect(sets.get("joins")?.type).toBe("type ipv6_addr . ipv6_addr; flags interval;");
  expect(elements("sealed")).toEqual([]);
  expect([...chains.values()].flatMap(({ rules }) => rules).join()).not.toMatch(/\bip (saddr|daddr)/);
});

test("what is for an encrypted network, or for hosts' ends of tunnels, is sealed by each family", () => {
  const ranges = (family: "IPv4" | "IPv6", self: NodeNetworkConfig): readonly string[] => {
    const frame = { ...self, ...(family === "IPv6" && self.ipv6), family };
    return [...(networkTable(safe(B_ALONE), [], frame).sets.get("sealed")?.elements.keys() ?? [])];
  };
  expect(ranges("IPv4", dual)).toEqual(["10.66.0.0/20", "10.128.7.255"]);
  expect(ranges("IPv6", dual)).toEqual(["fd00:66::/64", "fd00:10:128:1:ffff:ffff:ffff:ffff"]);
  expect(ranges("IPv6", { ...dual, encrypted: true })).toEqual(["fd00:10:128::/48", "fd00:66::/64"]);
});

// No way between hosts: nothing but the node's own address, and the refusal.
for (const [name, spec] of [
  ["bridge", { driver: "bridge" }],
  ["encrypted", { encrypted: true }],
] as const)
  test(`a network that is ${name} has no device and no route to other hosts`, () => {
    const one = network("x", { subnet: "10.64.0.0/20", ...spec }, { a: "10.64.0.0/26", b: "10.64.0.64/26" });
    expect(
      networkEntries(
        config,
        { networks: seen(one), tunnels: new Map() },
        { underlayMtu: 1_500, pathMtus: new Map() },
      ).map(({ table }) => table),
    ).toEqual(["address", "refusal"]);
  });

test("what would harm is left out: ranges of the cluster's own, of another network, and shares outside of their network", () => {
  const names = seen(
    network("own", { subnet: "10.200.0.0/16" }),
    network("a", { subnet: "10.64.0.0/16" }),
    network("b", { subnet: "10.64.4.0/24" }),
    network("c", { subnet: "10.65.0.0/24" }, { a: "10.66.0.0/26", b: "10.65.0.0/26" }),
  );
  expect(names.map(({ name, share, peers }) => [name, share, peers.map(({ cidr }) => cidr)])).toEqual([
    ["shop/a", undefined, []],
    ["shop/c", undefined, ["10.65.0.0/26"]],
  ]);
});

test("an internal network lets nothing out and only its own and hosts in; pods on several are one in each", () => {
  const inner = network("inner", { subnet: "10.64.16.0/20", internal: true });
  const pods = [{ addresses: ["10.64.0.2", "10.64.16.2"], byways: ["10.64.16.2"] }, { addresses: ["10.128.0.9"] }];
  const shared = {
    ...inner,
    status: { ...back.status, slices: [{ nodeName: "a", cidr: "10.64.16.0/26", idle: false }] },
  };
  const { sets, chains } = networkTable(seen(back, Network.fromPartial(shared)), pods, config);
  const elements = (name: string): readonly string[] =>
    [...(sets.get(name)?.elements ?? [])].map(([key, value]) => `${key} ${value}`.trim());
  const rulesAt = (name: string, subnet: string): readonly string[] =>
    chains.get((sets.get(name)?.elements.get(subnet) ?? "").replace(/^(jump|goto) /, ""))?.rules ?? [];
  expect(elements("networks")).toEqual(["10.64.0.0/20", "10.64.16.0/20"]);
  expect(rulesAt("networks-from", "10.64.16.0/20")).toEqual(["ip daddr 10.64.16.0/20 accept", "drop"]);
  expect(rulesAt("networks-from", "10.64.0.0/20")).toEqual([]);
  expect(rulesAt("networks-to", "10.64.16.0/20")).toEqual([
    "ip saddr 10.64.16.0/20 accept",
    "ip saddr @gateways accept",
    "drop",
  ]);
  expect(elements("joins")).toEqual(["10.64.0.2 . 10.64.16.0/20", "10.64.16.2 . 10.64.0.0/20"]);
  expect(elements("join-sources")).toEqual([
    "10.64.0.2 . 10.64.16.0/20 10.64.16.2",
    "10.64.16.2 . 10.64.0.0/20 10.64.0.2",
  ]);
  // A host that a service leads there is answered by the same link.
  expect(elements("byway-clients")).toEqual(["10.64.16.0/20 . 10.64.16.2"]);
  expect(elements("byway-sources")).toEqual(["10.64.16.2 10.64.16.1"]);
});
