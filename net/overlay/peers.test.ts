import { expect, test } from "vitest";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import { peersOf } from "./peers.js";

const self = nodeConfig(4);
const named = (name: string, podCIDR: string, vtepMAC = "02:00:00:00:00:05", underlayIP = "192.168.9.5"): Node =>
  Node.fromPartial({ metadata: { name }, spec: { podCIDR }, status: { overlay: { underlayIP, vtepMAC } } });

test("peers are the other nodes, in order of their names, with the first address as gateway", () => {
  const { peers, refused } = peersOf([nodeObject(6), nodeObject(4), nodeObject(5)], self);
  expect(peers.map((peer) => [peer.name, peer.gateway, peer.underlayIp])).toEqual([
    ["node-5", "10.128.5.1", "192.168.9.5"],
    ["node-6", "10.128.6.1", "192.168.9.6"],
  ]);
  expect(refused).toEqual([]);
});

test("a node that has no subnet or has not reported its overlay is left out in silence", () => {
  const bare = Node.fromPartial({ metadata: { name: "a" }, spec: { podCIDR: "10.128.7.0/24" } });
  const fresh = Node.fromPartial({ metadata: { name: "b" }, status: { overlay: { underlayIP: "192.168.9.9" } } });
  expect(peersOf([bare, fresh], self)).toEqual({ peers: [], refused: [] });
});

// Each row would harm this node or another if its entries were made.
const harmful = [
  { why: "claims this node's own addresses", node: named("a", "10.128.4.0/24"), says: "overlaps that of node-4" },
  { why: "claims a range that holds this node's", node: named("a", "10.128.0.0/20"), says: "overlaps that of node-4" },
  { why: "claims addresses outside of the cluster", node: named("a", "192.168.9.0/24"), says: "not one of" },
  { why: "has host bits in its subnet", node: named("a", "10.128.7.1/24"), says: "not one of" },
  { why: "has a MAC with words in it", node: named("a", "10.128.7.0/24", "x; reboot"), says: "malformed VTEP" },
  { why: "has no proper underlay address", node: named("a", "10.128.7.0/24", undefined, "1.2.3"), says: "underlay" },
];
for (const { why, node, says } of harmful) {
  test(`a node that ${why} is refused`, () => {
    const { peers, refused } = peersOf([node], self);
    expect(peers).toEqual([]);
    expect(refused.map(({ name, reason }) => `${name} ${reason}`).join()).toContain(says);
  });
}

test("of two nodes that claim the same addresses the first by name keeps them, whatever their order", () => {
  const [wide, narrow] = [named("b", "10.128.16.0/20"), named("a", "10.128.20.0/24")];
  for (const nodes of [
    [wide, narrow],
    [narrow, wide],
  ]) {
    const { peers, refused } = peersOf(nodes, self);
    expect(peers.map((peer) => peer.name)).toEqual(["a"]);
    expect(refused.map((each) => each.name)).toEqual(["b"]);
  }
});

test("a peer's share of IPv6 is taken when it is one of the cluster's and nobody else's; by IPv4 the peer stands anyway", () => {
  const withIpv6 = (name: string, podCIDR: string, ipv6: string, underlayIP: string): Node =>
    Node.fromPartial({
      metadata: { name },
      spec: { podCIDR, podCIDRs: [podCIDR, ipv6] },
      status: { overlay: { underlayIP, vtepMAC: "02:00:00:00:00:05" } },
    });
  const dual = { ...self, ipv6: { podCIDR: "fd00:10:128:4::/64", clusterCIDR: "fd00:10:128::/56" } };
  const nodes = [
    withIpv6("a", "10.128.8.0/22", "fd00:10:128:8::/64", "192.168.9.8"),
    withIpv6("b", "10.128.12.0/22", "fd00:10:128:8::/64", "192.168.9.12"),
    withIpv6("c", "10.128.16.0/22", "fd00:10:128:4::/64", "192.168.9.16"),
    withIpv6("d", "10.128.20.0/22", "fd00:99::/64", "192.168.9.20"),
    withIpv6("e", "10.128.24.0/22", "fd00:10:128:24::/60", "192.168.9.24"),
  ];
  const { peers, refused } = peersOf(new Map(nodes.map((node) => [node.metadata?.name, node])).values(), dual);
  expect(peers.map(({ name, ipv6 }) => `${name} ${ipv6?.gateway}`)).toEqual([
    "a fd00:10:128:8::1",
    "b undefined",
    "c undefined",
    "d undefined",
    "e undefined",
  ]);
  expect(refused.map(({ name }) => name)).toEqual(["b", "c", "d", "e"]);
});
