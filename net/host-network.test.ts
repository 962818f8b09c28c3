import { expect, test } from "vitest";
import { LIMITS } from "../lib/limits.js";
import { silentLog } from "../lib/log.js";
import { seededRng } from "../lib/rng.js";
import { ManualClock, settle } from "../test/kit/manual-clock.js";
import { networkMap, nodeConfig, nodeObject, type TestService } from "../test/kit/network-world.js";
import { vtepMac } from "./device-names.js";
import { createNodeNetwork } from "./host-network.js";
import { SimulatedKernel } from "./kernel/simulated-kernel.js";
import type { NodeNetwork, PodLink } from "./node-network.js";

interface World {
  readonly kernel: SimulatedKernel;
  readonly clock: ManualClock;
  readonly network: NodeNetwork;
  readonly applied: number[];
}

const config = nodeConfig(4);
const freshKernel = (): SimulatedKernel =>
  new SimulatedKernel([{ address: "192.168.9.4", device: "eth0", mtu: 1_500, prefixLength: 24 }]);

async function world(kernel = freshKernel()): Promise<World> {
  const clock = new ManualClock();
  const network = createNodeNetwork(config, kernel, { clock, rng: seededRng(1), log: silentLog });
  const applied: number[] = [];
  network.onApplied((revision) => applied.push(revision));
  await network.start();
  return { kernel, clock, network, applied };
}

const web = (...endpoints: readonly string[]): TestService => ({
  name: "web",
  clusterIP: "10.96.1.1",
  ports: [{ port: 80 }],
  endpoints,
});
const link = (uid: string, last: number, hostPorts: PodLink["hostPorts"] = []): PodLink => ({
  uid,
  address: `10.128.4.${last}`,
  hostPorts,
});
const tables = async ({ kernel }: World): Promise<readonly string[]> => (await unsortedTables(kernel)).sort();
const unsortedTables = async (kernel: SimulatedKernel): Promise<string[]> =>
  (await kernel.readEntries(["tallship0"], [])).map(
    (entry) => `${entry.table} ${"subnet" in entry ? entry.subnet : ""}`,
  );
const slots = ({ kernel }: World): readonly string[] => [...kernel.elementsIn("service-endpoints").values()];

test("start makes the device with the underlay's MTU less the tunnel's overhead, and a MAC that is the node's own", async () => {
  const first = createNodeNetwork(config, freshKernel(), {
    clock: new ManualClock(),
    rng: seededRng(1),
    log: silentLog,
  });
  const device = await first.start();
  expect(device.mtu).toBe(1_450);
  const { network } = await world();
  expect(await network.start()).toEqual(device);
});

test("start fails with kernel_failed when no device has the underlay address, and may be called again", async () => {
  const network = createNodeNetwork(config, new SimulatedKernel([]), {
    clock: new ManualClock(),
    rng: seededRng(1),
    log: silentLog,
  });
  await expect(network.start()).rejects.toMatchObject({ code: "kernel_failed" });
  await expect(network.attach([link("a", 9)])).rejects.toMatchObject({ code: "failed_precondition" });
});

test("a map leads to peers and endpoints, and its revision is reported once the kernel reflects it", async () => {
  const at = await world();
  at.network.setMap(networkMap(7, [nodeObject(5)], [web("10.128.5.2")]));
  expect(at.applied).toEqual([]);
  await settle();
  expect(at.applied).toEqual([7]);
  expect(await tables(at)).toContain("route 10.128.5.0/24");
  expect(slots(at)).toEqual(["10.128.5.2 . 80"]);
});

test("several maps in a row are one", async () => {
  const at = await world();
  for (const revision of [1, 2, 3]) at.network.setMap(networkMap(revision, [], [web(`10.128.5.${revision + 1}`)]));
  await settle();
  expect(at.applied).toEqual([3]);
  expect(slots(at)).toEqual(["10.128.5.4 . 80"]);
});

test("what the kernel refuses is tried again until it succeeds, and only then reported", async () => {
  const at = await world();
  at.network.setMap(networkMap(1, [], [web("10.128.5.2")]));
  await settle();
  at.kernel.refuse(3);
  at.network.setMap(networkMap(2, [], [web("10.128.5.3")]));
  await settle();
  expect(at.applied).toEqual([1]);
  await at.clock.advance(1_000);
  expect(at.applied).toEqual([1, 2]);
  expect(slots(at)).toEqual(["10.128.5.3 . 80"]);
});

test("an agent that starts anew leaves peers, services and host ports as they are until it has a map", async () => {
  const before = await world();
  before.network.setMap(networkMap(1, [nodeObject(5)], [web("10.128.5.2")]));
  await before.network.attach([
    link("a", 9, [{ protocol: "TCP", hostIP: "127.0.0.1", hostPort: 8080, containerPort: 80 }]),
  ]);
  await settle();
  const after = await world(before.kernel);
  await after.network.repair();
  expect(await tables(after)).toContain("route 10.128.5.0/24");
  expect(slots(after)).toEqual(["10.128.5.2 . 80"]);
  after.network.setMap(networkMap(2, [nodeObject(6)], []));
  await settle();
  expect(await tables(after)).not.toContain("route 10.128.5.0/24");
  expect(slots(after)).toEqual([]);
  expect([...after.kernel.elementsIn("host-ports")]).toEqual([["127.0.0.1 . tcp . 8080", "10.128.4.9 . 80"]]);
});

// Connections that stand when an agent has its first map, which knows web at 10.128.5.2, dns at 10.128.5.4, and a service that is on two networks; true: they are forgotten.
const flow = (protocol: "tcp" | "udp", sentTo: string, sentToPort: number, to: string, port: number) => ({
  protocol,
  from: "10.128.6.2",
  fromPort: 40_000,
  sentTo,
  sentToPort,
  to,
  port,
});
const standing = [
  {
    why: "UDP to an endpoint that a service leads to",
    flow: flow("udp", "10.96.1.2", 53, "10.128.5.4", 53),
    stale: false,
  },
  {
    why: "UDP to one that it does not lead to any more",
    flow: flow("udp", "10.96.1.2", 53, "10.128.5.5", 53),
    stale: true,
  },
  { why: "UDP by node port", flow: flow("udp", "192.168.9.4", 30_053, "10.128.5.4", 53), stale: false },
  { why: "UDP by a node port that is closed", flow: flow("udp", "192.168.9.4", 30_054, "10.128.5.4", 53), stale: true },
  { why: "UDP of a service that is gone", flow: flow("udp", "10.96.1.9", 53, "10.128.5.4", 53), stale: true },
  { why: "TCP to an endpoint that is there", flow: flow("tcp", "10.96.1.1", 80, "10.128.5.2", 80), stale: false },
  { why: "TCP to an endpoint that is gone", flow: flow("tcp", "10.96.1.1", 80, "10.128.5.3", 80), stale: true },
  { why: "TCP on a second network", flow: flow("tcp", "10.96.1.8", 80, "10.64.1.2", 80), stale: false },
  { why: "TCP on a second network to nobody", flow: flow("tcp", "10.96.1.8", 80, "10.64.1.3", 80), stale: true },
  { why: "TCP by host port", flow: flow("tcp", "192.168.9.4", 8080, "10.128.4.9", 80), stale: false },
  { why: "what somebody else translated", flow: flow("tcp", "192.168.9.4", 9000, "172.17.0.2", 80), stale: false },
];
for (const { why, flow: stands, stale } of standing) {
  test(`with the first map, ${why} ${stale ? "is forgotten" : "goes on"}`, async () => {
    const dns: TestService = {
      name: "dns",
      clusterIP: "10.96.1.2",
      type: "NodePort",
      ports: [{ port: 53, protocol: "UDP", nodePort: 30_053 }],
      endpoints: ["10.128.5.4"],
    };
    const at = await world();
    await at.network.attach([link("a", 9, [{ protocol: "TCP", hostIP: "", hostPort: 8080, containerPort: 80 }])]);
    at.kernel.firewall.flows = [stands];
    const twice: TestService = {
      name: "twice",
      clusterIP: "10.96.1.7",
      networkAddresses: { front: "10.96.1.7", back: "10.96.1.8" },
      endpoints: ["10.64.0.2+front=10.64.0.2+back=10.64.1.2"],
    };
    at.network.setMap(networkMap(1, [], [web("10.128.5.2"), dns, twice]));
    await settle();
    const { protocol, to: endpoint, port: endpointPort } = stands;
    const filter = protocol === "udp" ? { protocol, endpoint, endpointPort } : { protocol, endpoint };
    expect(at.kernel.forgotten).toEqual(stale ? [filter] : []);
  });
}

test("pods are attached, listed and detached, host ports with them", async () => {
  const at = await world();
  const ports: PodLink["hostPorts"] = [{ protocol: "UDP", hostIP: "", hostPort: 53, containerPort: 5353 }];
  await Promise.all([at.network.attach([link("a", 9, ports)]), at.network.attach([link("b", 10)])]);
  expect(await at.network.list()).toEqual([
    { uid: "a", address: "10.128.4.9", further: [] },
    { uid: "b", address: "10.128.4.10", further: [] },
  ]);
  expect([...at.kernel.elementsIn("host-ports-any")]).toEqual([["udp . 53", "10.128.4.9 . 5353"]]);
  expect([...at.kernel.elementsIn("hairpins").keys()]).toEqual(["10.128.4.9 . 10.128.4.9"]);
  expect(at.kernel.forgotten).toEqual([{ protocol: "udp", sentToPort: 53 }]);
  await at.network.detach(["a", "nobody"]);
  expect((await at.network.list()).map((each) => each.uid)).toEqual(["b"]);
  expect(at.kernel.elementsIn("host-ports-any").size + at.kernel.elementsIn("hairpins").size).toBe(0);
});

test("host ports of a pod that has gone go with the next check when the kernel refused it at first", async () => {
  const at = await world();
  at.network.setMap(networkMap(1, [], []));
  await at.network.attach([link("a", 9, [{ protocol: "TCP", hostIP: "", hostPort: 8080, containerPort: 80 }])]);
  at.kernel.refuse(1);
  await expect(at.network.detach(["a"])).rejects.toMatchObject({ code: "kernel_failed" });
  await at.clock.advance(LIMITS.netCheckMs.value);
  expect([...at.kernel.elementsIn("host-ports-any")]).toEqual([]);
});

// What others may do behind the agent's back; each is put back by the next periodic check, single elements by the next deep one.
const meddling: readonly {
  readonly what: string;
  readonly act: (kernel: SimulatedKernel) => void;
  readonly within?: "netDeepCheckMs";
}[] = [
  { what: "the overlay's device", act: (kernel) => kernel.deleteDevice("tallship0") },
  { what: "the whole ruleset", act: (kernel) => kernel.flushRuleset() },
  { what: "the elements of a map", act: (kernel) => kernel.flushMap("service-endpoints"), within: "netDeepCheckMs" },
  { what: "a pod's device", act: (kernel) => kernel.deletePodDevice("a") },
  {
    what: "a forwarding entry",
    act: (kernel) =>
      kernel.meddle({
        do: "delete",
        entry: { table: "fdb", device: "tallship0", mac: "02:00:00:00:01:05", underlayIp: "192.168.9.5" },
      }),
  },
  {
    what: "forwarding itself",
    act: (kernel) => kernel.meddle({ do: "add", entry: { table: "setting", name: "net.ipv4.ip_forward", value: "0" } }),
  },
];
for (const { what, act, within } of meddling) {
  test(`when somebody removes ${what}, it is back within one ${within === undefined ? "" : "deep "}check`, async () => {
    const at = await world();
    at.network.setMap(networkMap(1, [nodeObject(5)], [web("10.128.5.2")]));
    await at.network.attach([link("a", 9)]);
    await settle();
    await at.clock.advance(LIMITS.netCheckMs.value); // The first check is a deep one.
    const before = [await tables(at), slots(at), await at.kernel.readEntries([], ["net.ipv4.ip_forward"])];
    act(at.kernel);
    await at.clock.advance(LIMITS[within ?? "netCheckMs"].value + LIMITS.netCheckMs.value);
    expect([await tables(at), slots(at), await at.kernel.readEntries([], ["net.ipv4.ip_forward"])]).toEqual(before);
    expect((await at.kernel.listPods()).map((pod) => pod.isWhole)).toEqual([true]);
    expect(await at.network.repair()).toBe(0);
  });
}

test("a host that comes to have another address is known by it to the firewall, whatever else stays", async () => {
  const at = await world();
  at.network.setMap(networkMap(1, [nodeObject(5)], []));
  await settle();
  const moved = nodeObject(5);
  const addresses = [{ type: "InternalIP", address: "192.168.9.77" }];
  at.network.setMap(networkMap(2, [{ ...moved, status: moved.status && { ...moved.status, addresses } }], []));
  await settle();
  const hosts = at.kernel.firewall.table?.sets.get("hosts")?.elements.keys() ?? [];
  expect([...hosts].sort()).toEqual(["192.168.9.5", "192.168.9.77"]);
});

test("among very many peers, too, a device that somebody deletes is back soon, and tables that are flushed as ever", async () => {
  const at = await world();
  const peers = Array.from({ length: 200 }, (_, number) => nodeObject(number + 10, vtepMac(`node-${number + 10}`)));
  at.network.setMap(networkMap(1, peers, []));
  await settle();
  await at.clock.advance(LIMITS.netCheckMs.value);
  const before = await tables(at);
  expect(before.length).toBeGreaterThan(1_000);
  at.kernel.deleteDevice("tallship0");
  at.kernel.flushRuleset();
  await at.clock.advance(LIMITS.netCheckMs.value);
  expect([await at.kernel.hasRules(), await at.kernel.hasFirewall()]).toEqual([true, true]);
  await at.clock.advance(LIMITS.netCheckMs.value);
  expect(await tables(at)).toEqual(before);
});

test("repair says how many entries differed", async () => {
  const at = await world();
  at.network.setMap(networkMap(1, [nodeObject(5)], [web("10.128.5.2")]));
  await settle();
  at.kernel.flushMap("service-endpoints");
  at.kernel.deleteDevice("tallship0");
  // One slot; the device, its two addresses, neighbour, forwarding entry and two routes.
  expect(await at.network.repair()).toBe(1 + 8);
});

test("a stopped network does nothing more", async () => {
  const at = await world();
  await at.network.stop();
  at.network.setMap(networkMap(1, [], [web("10.128.5.2")]));
  await at.clock.advance(60_000);
  expect(at.applied).toEqual([]);
  expect(at.clock.timerCount).toBe(0);
});
