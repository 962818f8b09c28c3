import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { Network } from "../../proto/gen/tallship/v1/network.js";
import { ManualClock, settle } from "../../test/kit/manual-clock.js";
import { dualStack, networkMap, networkObject, nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import { networkDevice } from "../device-names.js";
import { NO_REMEDIES, type Remedies } from "../health/remedies.js";
import { createNodeNetwork } from "../host-network.js";
import { SimulatedKernel } from "../kernel/simulated-kernel.js";
import type { NodeNetwork, NodeNetworkConfig } from "../node-network.js";

const freshKernel = (): SimulatedKernel =>
  new SimulatedKernel([{ address: "192.168.9.4", device: "eth0", mtu: 1_500, prefixLength: 24, linkIpv6: "fe80::4" }]);

/** An agent of node 4 of both families, with a map of node 5 and of networks that both have shares of. */
async function agent(kernel: SimulatedKernel, traits: Partial<NodeNetworkConfig>): Promise<NodeNetwork> {
  const config = { ...nodeConfig(4), ...dualStack(4), ...traits };
  const network = createNodeNetwork(config, kernel, { clock: new ManualClock(), rng: seededRng(1), log: silentLog });
  await network.start();
  return network;
}

async function tell(network: NodeNetwork, ...networks: readonly string[]): Promise<void> {
  const objects = networks.map((name, at) => {
    const { status, ...plain } = networkObject(name, { vni: 5_000 + at }, at);
    const slices = (status?.slices ?? []).map(({ cidr }, place) => ({ nodeName: `node-${place + 4}`, cidr }));
    return Network.fromPartial({ ...plain, status: { slices } });
  });
  network.setMap(networkMap(1, [nodeObject(4), nodeObject(5)], [], objects));
  await settle();
}

async function bring(network: NodeNetwork, remedies: Remedies): Promise<void> {
  network.remedy(remedies);
  await settle();
}

/** What routes to the peer's pods say, by their devices. */
async function mtus(kernel: SimulatedKernel): Promise<readonly string[]> {
  const entries = await kernel.readEntries(["tallship0", "eth0"], []);
  const said = entries.flatMap((entry) =>
    entry.table === "route" && entry.mtu !== undefined && entry.inTable === undefined
      ? [`${entry.subnet} ${entry.device.replace(/^tsn.*/, "tsn")} ${entry.mtu}`]
      : [],
  );
  return said.sort();
}

const clusters = [
  {
    what: "through the overlay",
    traits: {},
    want: ["10.128.5.0/24 tallship0 1350", "10.64.0.64/26 tsn 1350", "fd00:10:128:5::/64 tallship0 1350"],
  },
  {
    what: "over the link",
    traits: { directRouting: true },
    want: ["10.128.5.0/24 eth0 1400", "10.64.0.64/26 tsn 1350", "fd00:10:128:5::/64 tallship0 1350"],
  },
];
for (const { what, traits, want } of clusters)
  test(`what passes to a peer that is reached ${what} is kept by the next agent, which ends it`, async () => {
    const kernel = freshKernel();
    const first = await agent(kernel, traits);
    await tell(first, "back");
    const remedies = { pathMtus: new Map([["10.128.5.1", 1_400]]), isTxChecksumOff: false };
    await bring(first, remedies);
    const said = await mtus(kernel);
    expect(said).toEqual(want);
    await first.stop();
    const next = await agent(kernel, traits);
    expect(next.remedies).toEqual(remedies);
    expect(await mtus(kernel)).toEqual(said);
    await tell(next, "back");
    expect(await mtus(kernel)).toEqual(said);
    await bring(next, NO_REMEDIES);
    expect(await mtus(kernel)).toEqual([]);
  });

test("devices of all networks compute checksums, later ones too, until no card does it wrongly any more, whichever agent hears of that", async () => {
  const kernel = freshKernel();
  const left = async (): Promise<readonly (boolean | undefined)[]> =>
    Promise.all(
      ["tallship0", networkDevice("shop/back"), networkDevice("shop/late")].map((device) =>
        kernel.leavesChecksums(device),
      ),
    );
  const off = { ...NO_REMEDIES, isTxChecksumOff: true };
  const first = await agent(kernel, {});
  await tell(first, "back");
  await bring(first, off);
  expect(await left()).toEqual([false, false, undefined]);
  await tell(first, "back", "late");
  expect(await left()).toEqual([false, false, false]);
  kernel.deleteDevice(networkDevice("shop/back"));
  await first.repair();
  expect(await left()).toEqual([false, false, false]);
  await kernel.leaveChecksums("tallship0", true);
  await first.repair();
  expect(await left(), "what somebody else has changed is put back").toEqual([false, false, false]);
  await first.stop();
  const next = await agent(kernel, {});
  expect(next.remedies).toEqual(off);
  await tell(next, "back", "late");
  expect(await left()).toEqual([false, false, false]);
  await bring(next, NO_REMEDIES);
  expect(await left()).toEqual([true, true, true]);
});
