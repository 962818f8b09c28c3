import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import type { Network } from "../../proto/gen/tallship/v1/network.js";
import { ManualClock, settle } from "../../test/kit/manual-clock.js";
import { networkMap, networkObject, nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import { createNodeNetwork } from "../host-network.js";
import { SimulatedKernel } from "../kernel/simulated-kernel.js";
import type { NodeNetwork } from "../node-network.js";
import type { NetworksMemory } from "./networks-memory.js";

const signal = new AbortController().signal;
const freshKernel = (): SimulatedKernel =>
  new SimulatedKernel([{ address: "192.168.9.2", device: "eth0", mtu: 1_500, prefixLength: 24 }]);
const back = networkObject("back", { vni: 5_000, internal: true }, 1);
const side = networkObject("side", { driver: "bridge" }, 2);

/** A host: its disk outlives its kernel. */
function host() {
  let held: readonly Network[] = [];
  const memory: NetworksMemory = {
    load: async () => held,
    save: async (networks) => {
      held = networks;
    },
  };
  const clock = new ManualClock();
  const begin = async (kernel: SimulatedKernel): Promise<NodeNetwork> => {
    const options = { clock, rng: seededRng(1), log: silentLog, networks: memory };
    const network = createNodeNetwork(nodeConfig(2), kernel, options);
    await network.start();
    return network;
  };
  return { clock, begin };
}

const map = (...networks: readonly Network[]) => networkMap(1, [nodeObject(1), nodeObject(2)], [], networks);
const tables = async (kernel: SimulatedKernel): Promise<readonly string[]> =>
  (await kernel.readEntries(["tallship0"], [])).map((entry) => JSON.stringify(entry)).sort();

test("after a reboot without a control plane pods get their places on networks, which stay apart; the first map makes the rest", async () => {
  const { begin } = host();
  const first = await begin(freshKernel());
  first.setMap(map(back, side));
  await settle();
  await first.stop();

  const kernel = freshKernel();
  const second = await begin(kernel);
  expect(await second.shareOf("shop/back", signal)).toBe("10.64.1.64/26");
  await second.attach([{ uid: "one", address: "10.64.1.66", hostPorts: [] }]);
  await settle();
  expect([...(kernel.firewall.table?.sets.get("networks-to")?.elements.keys() ?? [])]).toEqual([
    "10.64.1.0/24",
    "10.64.2.0/24",
  ]);
  expect(await second.repair()).toBe(0);
  expect((await tables(kernel)).join()).not.toContain("10.64.1.0/26");
  second.setMap(map(back, side));
  await settle();
  expect((await tables(kernel)).join()).toContain('"subnet":"10.64.1.0/26"');
  expect((await second.list()).map(({ address }) => address)).toEqual(["10.64.1.66"]);
});

test("what has gone while the host was down goes with the first map", async () => {
  const { begin } = host();
  const first = await begin(freshKernel());
  first.setMap(map(back));
  await settle();
  const kernel = freshKernel();
  const second = await begin(kernel);
  second.setMap(map(side));
  await settle();
  expect((await tables(kernel)).join()).not.toContain("10.64.1.");
  expect(await second.repair()).toBe(0);
});

test("an agent that begins anew on a host that stands asks the kernel, not its memory", async () => {
  const { begin, clock } = host();
  const kernel = freshKernel();
  const first = await begin(kernel);
  first.setMap(map(back));
  await settle();
  const before = await tables(kernel);
  await first.stop();
  const second = await begin(kernel);
  expect(await tables(kernel)).toEqual(before);
  const share = second.shareOf("shop/back", signal);
  const refused = expect(share).rejects.toThrow("the control plane has not been reached");
  await clock.advance(60_000);
  await refused;
});
