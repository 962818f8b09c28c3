import { expect, test } from "vitest";
import { Network } from "../../proto/gen/tallship/v1/network.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { dualStack, networkObject, nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import { networkDevice } from "../device-names.js";
import { seenNetworks } from "../networks/seen-network.js";
import { peersOf } from "../overlay/peers.js";
import { isWayOf, networkWays } from "./network-ways.js";

const answering = (at: number, overlay: object = { probePort: 7447, answersOnNetworks: true }): Node => {
  const node = nodeObject(at);
  return Node.fromPartial({ ...node, status: { overlay: { ...node.status?.overlay, ...overlay } } });
};

function waysOf(at: number, networks: ReturnType<typeof networkObject>[], second = answering(2)) {
  const nodes = new Map([answering(1), second, answering(3)].map((node) => [node.metadata?.name ?? "", node]));
  const config = nodeConfig(at);
  return networkWays(seenNetworks(networks, peersOf(nodes.values(), config).peers, config), nodes);
}

const back = {
  network: "shop/back",
  peer: "node-2",
  family: "IPv4" as const,
  ours: "10.64.1.1",
  theirs: "10.64.1.65",
  port: 7447,
};

test("only networks that go between hosts are probed, and only where both have pods of them", () => {
  const all = [
    networkObject("back", { vni: 5000 }, 1),
    networkObject("side", { driver: "bridge" }, 2),
    networkObject("vault", { encrypted: true }, 3),
  ];
  expect(waysOf(1, all)).toEqual([
    { ...back, device: networkDevice("shop/back") },
    { ...back, network: "shop/vault", ours: "10.64.3.1", theirs: "10.64.3.65", device: "tsw" },
  ]);
  // It has no share of any.
  expect(waysOf(3, all)).toEqual([]);
});

test("a node whose last pod of a network is gone keeps its share, and probes nobody there, nor is it probed", () => {
  const network = networkObject("back", { vni: 5000 }, 1);
  const [first, second] = network.status?.slices ?? [];
  const withIdle = (slices: readonly object[]) => Network.fromPartial({ ...network, status: { slices } });
  expect(waysOf(1, [withIdle([{ ...first }, { ...second }])])).toHaveLength(1);
  for (const slices of [
    [{ ...first, idle: true }, { ...second }],
    [{ ...first }, { ...second, idle: true }],
  ])
    expect(waysOf(1, [withIdle(slices)])).toEqual([]);
});

test("a peer whose agent does not answer on networks is not asked there", () => {
  const all = [networkObject("back", { vni: 5000 }, 1)];
  expect(waysOf(1, all, answering(2, { probePort: 7447, answersOnNetworks: false }))).toEqual([]);
  expect(waysOf(1, all, answering(2, { probePort: 0, answersOnNetworks: true }))).toEqual([]);
});

test("a network with addresses of IPv6 is probed by both families, where the peer answers by both", () => {
  const dual = { ...nodeConfig(1), ...dualStack(1) };
  const network = networkObject("back", { vni: 5000, subnets: ["10.64.1.0/24", "fd00:64:1::/64"] }, 1);
  const familiesOf = (overlay: object): readonly string[] => {
    const nodes = new Map([answering(1), answering(2, overlay)].map((node) => [node.metadata?.name ?? "", node]));
    const seen = seenNetworks([network], peersOf(nodes.values(), dual).peers, dual);
    return networkWays(seen, nodes).map(({ family, ours, theirs }) => `${family} ${ours} ${theirs}`);
  };
  const answers = { probePort: 7447, answersOnNetworks: true };
  const ipv4 = "IPv4 10.64.1.1 10.64.1.65";
  expect(familiesOf(answers)).toEqual([ipv4]);
  expect(familiesOf({ ...answers, answersOnNetworksIPv6: true })).toEqual([
    ipv4,
    "IPv6 fd00:64:1::a40:101 fd00:64:1::a40:141",
  ]);
});

test("a network's packets leave by its own device, or by whichever tunnel is in use", () => {
  const own = { ...back, device: networkDevice("shop/back") };
  expect([own.device, "tallship0", networkDevice("shop/other")].map((device) => isWayOf(own, device))).toEqual([
    true,
    false,
    false,
  ]);
  const tunnel = { ...back, device: "tsw" };
  expect(["tswabcdefgh", "tswbcdefghi", "eth0"].map((device) => isWayOf(tunnel, device))).toEqual([true, true, false]);
});
