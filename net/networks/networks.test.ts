import { expect, test } from "vitest";
import { Network } from "../../proto/gen/tallship/v1/network.js";
import { networkDevice } from "../device-names.js";
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
    networkEntries(config, { networks: seen(back), tunnels: new Map() }, { podMtu: 1450, routeMtus: new Map() }),
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
    networkEntries(config, { networks: seen(elsewhere), tunnels: new Map() }, { podMtu: 1450, routeMtus: new Map() }),
  ).toEqual([
    { table: "route", device: "tallship0", subnet: "10.64.0.64/26", via: "10.128.4.1", source: "10.128.0.1" },
    { table: "refusal", subnet: "10.64.0.0/20" },
  ]);
});

// No way between hosts: nothing but the node's own address, and the refusal.
for (const [name, spec] of [
  ["bridge", { driver: "bridge" }],
  ["encrypted", { encrypted: true }],
] as const)
  test(`a network that is ${name} has no device and no route to other hosts`, () => {
    const one = network("x", { subnet: "10.64.0.0/20", ...spec }, { a: "10.64.0.0/26", b: "10.64.0.64/26" });
    expect(
      networkEntries(config, { networks: seen(one), tunnels: new Map() }, { podMtu: 1450, routeMtus: new Map() }).map(
        ({ table }) => table,
      ),
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
  const pods = [{ addresses: ["10.64.0.2", "10.64.16.2"] }, { addresses: ["10.128.0.9"] }];
  const { sets, chains } = networkTable(seen(back, inner), pods, config);
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
});
