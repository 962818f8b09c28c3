import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { ManualClock, settle } from "../../test/kit/manual-clock.js";
import { dualStack, networkMap, networkObject, nodeConfig } from "../../test/kit/network-world.js";
import { createNodeNetwork } from "../host-network.js";
import { SimulatedKernel } from "../kernel/simulated-kernel.js";
import type { HostPort } from "../node-network.js";

const underlay = { address: "192.168.9.4", device: "eth0", mtu: 1_500, prefixLength: 24 };
const port = (hostIP: string, hostPort: number): HostPort => ({
  protocol: "TCP",
  ...{ hostIP, hostPort, containerPort: 80 },
});

/** Ports of a table, as `map key`. */
async function portsOf(kernel: SimulatedKernel): Promise<readonly string[]> {
  const found: string[] = [];
  await kernel.readElements(["host-ports", "host-ports-any"], ({ map, key }) => found.push(`${map} ${key}`));
  return found.sort();
}

test("a port that was asked for at 0.0.0.0 is one of IPv4 alone, also to an agent that starts anew", async () => {
  const kernel = new SimulatedKernel([underlay]);
  const config = { ...nodeConfig(4), ...dualStack(4) };
  const begin = async () => {
    const network = createNodeNetwork(config, kernel, {
      ...{ clock: new ManualClock(), rng: seededRng(1), log: silentLog },
    });
    await network.start();
    return network;
  };
  const network = await begin();
  const hostPorts = [port("0.0.0.0", 8080), port("", 8081), port("192.168.9.4", 8082)];
  await network.attach([{ uid: "web", address: "10.128.4.9", hostPorts }]);
  const [ipv4, ipv6] = [await portsOf(kernel), await portsOf(kernel.ipv6)];
  expect(ipv6).toEqual(["host-ports-any tcp . 8081"]);
  await network.stop();
  const next = await begin();
  // With its first map the tables are written anew, as the agent knows them.
  next.setMap(networkMap(1, [], []));
  await settle();
  expect(await portsOf(kernel)).toEqual(ipv4);
  expect(await portsOf(kernel.ipv6)).toEqual(ipv6);
});

test("ports of a pod on a network lead by IPv6 where the network has it, also for an agent that starts anew and knows no network yet", async () => {
  const kernel = new SimulatedKernel([{ ...underlay, address: "192.168.9.1" }]);
  const begin = async () => {
    const network = createNodeNetwork({ ...nodeConfig(1), ...dualStack(1) }, kernel, {
      ...{ clock: new ManualClock(), rng: seededRng(1), log: silentLog },
    });
    await network.start();
    return network;
  };
  const back = networkObject("back", { vni: 5_000, subnets: ["10.64.1.0/24", "fd00:64:1::/64"] }, 1);
  const map = networkMap(1, [], [], [back, networkObject("plain", { vni: 5_001 }, 2)]);
  const network = await begin();
  network.setMap(map);
  await settle();
  await network.attach([
    { uid: "web", address: "10.64.1.2", hostPorts: [port("", 8080), port("2001:db8::1", 8081)] },
    { uid: "old", address: "10.64.2.2", hostPorts: [port("", 8082)] },
  ]);
  const six = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    await kernel.ipv6.readElements(["host-ports", "host-ports-any"], ({ key, value }) => found.push(`${key} ${value}`));
    return found.sort();
  };
  const want = ["2001:db8::1 . tcp . 8081 fd00:64:1::a40:102 . 80", "tcp . 8080 fd00:64:1::a40:102 . 80"];
  expect(await six()).toEqual(want);
  await network.stop();
  const next = await begin();
  // A first map that says nothing of networks yet, and then one that does.
  next.setMap(networkMap(1, [], []));
  await settle();
  expect(await six()).toEqual(want);
  next.setMap(map);
  await settle();
  expect(await six()).toEqual(want);
  await next.detach(["web"]);
  expect(await six()).toEqual([]);
});
