import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { Network } from "../../proto/gen/tallship/v1/network.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { ManualClock, settle } from "../../test/kit/manual-clock.js";
import { dualStack, networkMap, networkObject, nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import { tunnelDevice } from "../device-names.js";
import { createNodeNetwork } from "../host-network.js";
import { SimulatedKernel } from "../kernel/simulated-kernel.js";
import type { TunnelKey, TunnelKeys } from "../tunnels/tunnel-keys.js";

const config = { ...nodeConfig(4), ...dualStack(4), encrypted: true };
const signal = new AbortController().signal;

/** Keys in memory. */
function memoryKeys(): TunnelKeys {
  let held: readonly TunnelKey[] = [];
  return {
    load: async () => held,
    save: async (keys) => {
      held = keys;
    },
    make: (generation, madeAtMs) => ({ generation, madeAtMs, privateKey: "p", publicKey: `${"k".repeat(43)}=` }),
  };
}

/** A node whose keys are known to all. */
function keyed(at: number): Node {
  const node = nodeObject(at);
  const tunnels = [{ generation: 1, publicKey: `${"A".repeat(42)}${at}=`, port: 51_821 }];
  return Node.fromPartial({ ...node, status: { overlay: { ...node.status?.overlay, tunnels } } });
}

/** Node 4 of a cluster that is encrypted as a whole, with a map of node 5 and of a network that both have shares of. */
async function world(tunnelRefusal = "", keys = memoryKeys()) {
  const kernel = new SimulatedKernel([{ address: "192.168.9.4", device: "eth0", mtu: 1_500, prefixLength: 24 }]);
  kernel.tunnelRefusal = tunnelRefusal;
  const options = { clock: new ManualClock(), rng: seededRng(1), log: silentLog, keys };
  const network = createNodeNetwork(config, kernel, options);
  const device = await network.start();
  const { status, ...plain } = networkObject("back", { vni: 5_000, subnets: ["10.64.1.0/24", "fd00:64:1::/64"] }, 1);
  const slices = (status?.slices ?? []).map(({ cidr }, at) => ({ nodeName: `node-${at + 4}`, cidr }));
  const back = Network.fromPartial({ ...plain, status: { slices } });
  const begin = async (): Promise<void> => {
    network.setMap(networkMap(1, [keyed(4), keyed(5)], [], [back]));
    await settle();
  };
  return { kernel, network, device, begin };
}

const routes = async (kernel: SimulatedKernel): Promise<readonly string[]> =>
  (await kernel.readEntries(["tallship0"], [])).flatMap((entry) =>
    entry.table === "route" || entry.table === "fdb" || (entry.table === "device" && entry.device !== "tallship0")
      ? [`${entry.table} ${"subnet" in entry ? entry.subnet : ""} ${"device" in entry ? entry.device : ""}`]
      : [],
  );
const sealed = (kernel: Pick<SimulatedKernel, "firewall">): readonly string[] => [
  ...(kernel.firewall.table?.sets.get("sealed")?.elements.keys() ?? []),
];

test("all ways to other hosts' pods are tunnels, on networks that do not ask for them too, and there is no VXLAN to anybody", async () => {
  const { kernel, device, begin } = await world();
  await begin();
  const tunnel = tunnelDevice("node-4", 1);
  expect((await routes(kernel)).filter((route) => !/ (10\.96|fd00:10:96)[.:]/.test(route)).sort()).toEqual([
    `route 10.128.5.0/24 ${tunnel}`,
    `route 10.128.5.255/32 ${tunnel}`,
    `route 10.64.1.64/26 ${tunnel}`,
    `route fd00:10:128:5::/64 ${tunnel}`,
    `route fd00:10:128:5:ffff:ffff:ffff:ffff/128 ${tunnel}`,
    `route fd00:64:1::a40:140/122 ${tunnel}`,
  ]);
  expect(kernel.tunnels.get(tunnel)?.ends.map(({ allowed }) => allowed)).toEqual([
    ["10.128.5.0/24", "10.64.1.64/26", "fd00:10:128:5::/64", "fd00:64:1::a40:140/122"],
  ]);
  expect(device).toMatchObject({ mtu: 1_440, leadsBack: false, leadsBackIpv6: false });
  expect(kernel.ipv6.firewall.table?.chains.get("sealed")?.rules.join()).toMatch("ip6 daddr @sealed oifname !=");
  expect(sealed(kernel)).toEqual(["10.128.0.0/9", "10.64.1.0/24"]);
  expect(sealed(kernel.ipv6)).toEqual(["fd00:10:128::/48", "fd00:64:1::/64"]);
});

test("a host that can make no tunnel has no way to others' pods, and gives its own no place, with the reason", async () => {
  const { kernel, network, begin } = await world("the kernel has no WireGuard, and wireguard-go is not installed");
  // Before the first map nobody is reached anyhow, and what is sealed is so from the start: pods of a host that was rebooted alone begin.
  expect([...sealed(kernel), ...sealed(kernel.ipv6)]).toEqual(["10.128.0.0/9", "fd00:10:128::/48"]);
  expect(await network.shareOf("default", signal)).toBe("10.128.4.0/24");
  await begin();
  expect((await routes(kernel)).filter((route) => !/ (10\.96|fd00:10:96)[.:]/.test(route))).toEqual([]);
  await expect(network.shareOf("default", signal)).rejects.toThrow("wireguard-go is not installed");
});

test("a new agent tells the keys of tunnels that stand from its start on, and of none where none stand", async () => {
  const keys = memoryKeys();
  const { kernel, network, begin } = await world("", keys);
  await begin();
  await network.stop();
  const toldAtStart = async (of: SimulatedKernel): Promise<readonly number[][]> => {
    const options = { clock: new ManualClock(), rng: seededRng(2), log: silentLog, keys };
    const next = createNodeNetwork(config, of, options);
    const told: number[][] = [];
    next.onPublished(({ tunnels }) => told.push(tunnels.map(({ generation }) => generation)));
    await next.start();
    await next.stop();
    return told;
  };
  expect((await toldAtStart(kernel))[0]).toEqual([1]);
  await kernel.removeTunnels([tunnelDevice("node-4", 1)]);
  expect(await toldAtStart(kernel)).not.toContainEqual([1]);
});

test("what passes on the way to a peer is known to the next agent", async () => {
  const { kernel, network, begin } = await world();
  await begin();
  const remedies = { pathMtus: new Map([["10.128.5.1", 1_404]]), isTxChecksumOff: false };
  network.remedy(remedies);
  expect(await network.repair(), "what is only now to be done is no damage").toBe(0);
  await settle();
  await network.stop();
  const options = { clock: new ManualClock(), rng: seededRng(2), log: silentLog, keys: memoryKeys() };
  const next = createNodeNetwork(config, kernel, options);
  await next.start();
  expect(next.remedies).toEqual(remedies);
});
