import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../../test/kit/network-lab.js";
import { networkObject as network } from "../../test/kit/network-world.js";
import { waitFor } from "../../test/kit/wait.js";
import { networkDevice } from "../device-names.js";

// Two hosts, three networks beside the cluster's own: back and inner go between hosts, inner has no way out, side is each host's alone.
let lab: Lab;
let plain: LabPod;
let near: LabPod;
let far: LabPod;
let both: LabPod;
let inner: LabPod;
let innerFar: LabPod;
let side: LabPod;
let sideFar: LabPod;

beforeAll(async () => {
  lab = await makeLab(3);
  lab.setNetworks([
    network("back", { vni: 5000 }, 1),
    network("inner", { vni: 5001, internal: true }, 2),
    network("side", { driver: "bridge" }, 3),
  ]);
  await lab.setServices([]);
  plain = await lab.host(1).pod("plain", 9);
  near = await lab.host(1).podOn("near", ["10.64.1.2"]);
  far = await lab.host(2).podOn("far", ["10.64.1.66"]);
  both = await lab.host(1).podOn("both", ["10.128.1.20", "10.64.1.3"]);
  inner = await lab.host(1).podOn("inner", ["10.64.2.2"]);
  innerFar = await lab.host(2).podOn("inner-far", ["10.64.2.66"]);
  side = await lab.host(1).podOn("side", ["10.64.3.2"]);
  sideFar = await lab.host(2).podOn("side-far", ["10.64.3.66"]);
  for (const { probe } of [plain, near, far, both, inner, innerFar, side, sideFar]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
  await lab.stranger.serve("tcp", 8080);
  for (const host of lab.hosts) await host.network.repair();
});
afterAll(() => lab.dispose());

const ask = (
  from: LabPod,
  host: string,
  more: { readonly bytes?: number; readonly protocol?: "tcp" | "udp"; readonly timeoutMs?: number } = {},
) => from.probe.ask({ host, port: 8080, ...more });
/** Long enough where no answer is wanted. */
const briefly = { timeoutMs: 500 };

test("pods of a network reach each other on one host and between hosts, in both directions, at exactly the MTU", async () => {
  expect(await ask(near, far.address)).toBe("far 10.64.1.2");
  expect(await ask(far, near.address)).toBe("near 10.64.1.66");
  expect(await ask(near, "10.64.1.3")).toBe("both 10.64.1.2");
  // MTU 1500 - 50, less the headers of IPv4 and UDP.
  const most = { protocol: "udp", bytes: 1_422 } as const;
  expect(await ask(near, far.address, most)).toBe("far 10.64.1.2");
  expect(await near.inside(`ip link show eth0`)).toContain("mtu 1450");
});

// Who asks whom, of another network.
const strangers = [
  ["a pod of the cluster's own network", () => plain, () => near],
  ["a pod of the network asks one of the cluster's own", () => near, () => plain],
  ["across hosts", () => far, () => plain],
  ["of another network", () => near, () => inner],
  ["of another network, the other way, across hosts", () => innerFar, () => near],
  ["of a bridge network asks an overlay one", () => side, () => near],
] as const;

for (const [name, from, to] of strangers)
  test(`networks are apart: ${name}`, async () => {
    expect(await ask(from(), to().address, briefly)).toBe("TIMEOUT");
    expect(await ask(from(), to().address, { protocol: "udp", ...briefly })).toBe("TIMEOUT");
  });

test("a pod on two networks reaches and is reached by both, and is seen by its address there", async () => {
  expect(await ask(both, far.address)).toBe("far 10.64.1.3");
  expect(await ask(both, plain.address)).toBe("plain 10.128.1.20");
  expect(await ask(far, "10.64.1.3")).toBe("both 10.64.1.66");
  // From its first address, as an answer to a service's client would have to come.
  expect(await both.probe.ask({ host: "10.64.1.66", port: 8080, from: "10.64.1.3" })).toBe("far 10.64.1.3");
});

test("networks with a way out reach strangers under the host's address, an internal one does not; hosts reach all", async () => {
  expect(await ask(near, "192.168.9.100")).toBe("stranger 192.168.9.1");
  expect(await ask(side, "192.168.9.100")).toBe("stranger 192.168.9.1");
  expect(await ask(inner, "192.168.9.100", briefly)).toBe("TIMEOUT");
  expect(await ask(inner, innerFar.address)).toBe("inner-far 10.64.2.2");
  for (const pod of [near, inner, side])
    expect(await lab.host(1).probe.ask({ host: pod.address, port: 8080 })).toContain(pod.uid);
});

test("a bridge network is its host's alone", async () => {
  expect(await ask(side, sideFar.address)).toBe("EHOSTUNREACH");
});

test("services lead to pods of networks: for their own pods, for pods that have joined, and for strangers by a host without the network", async () => {
  const port = { port: 80, targetPort: 8080, nodePort: 30_080 };
  await lab.setServices([
    { name: "web", type: "NodePort", clusterIP: "10.96.0.50", ports: [port], endpoints: [far.address] },
  ]);
  const service = { host: "10.96.0.50", port: 80 };
  expect(await near.probe.ask(service)).toBe("far 10.64.1.2");
  expect(await both.probe.ask(service)).toBe("far 10.64.1.3");
  expect(await plain.probe.ask({ ...service, ...briefly })).toBe("TIMEOUT");
  for (const at of [1, 2, 3])
    expect(await lab.stranger.ask({ host: `192.168.9.${at}`, port: 30_080 })).toMatch(/^far /);
  await lab.setServices([]);
});

test("an address for each network of a service's pods leads there by their addresses on it, also for who has joined it second", async () => {
  const endpoint = "10.64.3.66+side=10.64.3.66+back=10.64.1.66";
  const networkAddresses = { side: "10.96.0.51", back: "10.96.0.52" };
  const ports = [{ port: 80, targetPort: 8080 }];
  await lab.setServices([{ name: "web", clusterIP: "10.96.0.51", networkAddresses, ports, endpoints: [endpoint] }]);
  const service = { host: "10.96.0.52", port: 80 };
  expect(await near.probe.ask(service)).toBe("far 10.64.1.2");
  expect(await both.probe.ask(service)).toBe("far 10.64.1.3");
  expect(await far.probe.ask(service)).toMatch(/^far /);
  expect(await inner.probe.ask({ ...service, ...briefly })).toBe("TIMEOUT");
  expect(await plain.probe.ask({ ...service, ...briefly })).toBe("TIMEOUT");
  expect(await lab.host(1).probe.ask(service)).toMatch(/^far /);
  await lab.setServices([]);
});

test("a pod cannot speak under another's address, on whatever network", async () => {
  await both.inside("ip address add 10.64.1.2/32 dev eth1; ip address add 10.64.1.9/32 dev eth1");
  for (const from of ["10.64.1.2", "10.64.1.9", "10.128.1.20"])
    expect(await both.probe.ask({ host: far.address, port: 8080, from, timeoutMs: 300 })).toBe("TIMEOUT");
  await both.inside("ip address delete 10.64.1.2/32 dev eth1; ip address delete 10.64.1.9/32 dev eth1");
});

test("what somebody deletes of a network is put back: its device, its entries, a pod's link", async () => {
  const device = networkDevice("shop/back");
  const { network: mended } = lab.host(1);
  for (const damage of [
    `ip link delete ${device}`,
    `bridge fdb flush dev ${device} 2>/dev/null || ip link set ${device} down`,
    "ip route delete 10.64.1.64/26",
    "ip address delete 10.64.1.1/32 dev tallship0",
  ]) {
    expect(await lab.host(1).damage(damage)).toBeGreaterThan(0);
    expect(await mended.repair()).toBe(0);
    expect(await ask(near, far.address)).toBe("far 10.64.1.2");
  }
  await both.inside("ip link delete eth1");
  expect(await mended.repair()).toBe(1);
  expect(await ask(both, far.address)).toBe("far 10.64.1.3");
});

test("where the card computes checksums wrongly the devices of all networks do it themselves, and are put back to it, until it is not so any more", async () => {
  const host = lab.host(1);
  const devices = ["tallship0", ...["shop/back", "shop/inner"].map(networkDevice)];
  const areAll = (state: "on" | "off") => async (): Promise<boolean> => {
    const told = await host.namespace.run(devices.map((device) => `ethtool -k ${device} | grep ^tx-check`).join("; "));
    return told === `tx-checksumming: ${state}\n`.repeat(devices.length);
  };
  expect(await areAll("on")()).toBe(true);
  host.network.remedy({ pathMtus: new Map(), isTxChecksumOff: true });
  await waitFor("the card to be relieved", areAll("off"));
  expect(await ask(near, far.address, { bytes: 300_000 })).toBe("far 10.64.1.2");
  await host.damage(`ethtool -K ${devices[1]} tx on; ip link delete ${devices[2]}`);
  await waitFor("what somebody has changed to be put back", areAll("off"));
  host.network.remedy({ pathMtus: new Map(), isTxChecksumOff: false });
  await waitFor("the card to compute them again", areAll("on"));
  expect(await ask(near, far.address, { bytes: 300_000 })).toBe("far 10.64.1.2");
});

test("a new agent takes all over without interrupting anything, and takes away a network that has gone meanwhile", async () => {
  await far.probe.serve("tcp", 9090);
  await near.probe.open({ host: far.address, port: 9090 });
  const { namespace } = lab.host(1);
  const before = await namespace.run("ip -o link show type vxlan | cut -d: -f1,2 | sort");
  await lab.host(1).restart();
  expect(await namespace.run("ip -o link show type vxlan | cut -d: -f1,2 | sort")).toBe(before);
  expect(await near.probe.talk()).toBe("TALKED");
  expect(await ask(near, plain.address, briefly)).toBe("TIMEOUT");
  expect((await lab.host(1).network.list()).find(({ uid }) => uid === "both")).toMatchObject({
    address: "10.128.1.20",
    further: [{ interface: "eth1", address: "10.64.1.3" }],
  });
  await lab.setServices([]);
  expect(await lab.host(1).network.repair()).toBe(0);
  expect(await near.probe.talk()).toBe("TALKED");
  lab.setNetworks([network("back", { vni: 5000 }, 1)]);
  await lab.setServices([]);
  expect(await namespace.run("ip -o link show type vxlan")).not.toContain(networkDevice("shop/inner"));
  expect(await namespace.run("ip route show proto 84")).not.toContain("10.64.2.");
  expect(await near.probe.talk()).toBe("TALKED");
});

test("a pod on no network has its loopback alone, and goes without a trace; so does one on two networks", async () => {
  const { namespace, network: own } = lab.host(1);
  await own.detach(["inner", "side"]);
  const none = await lab.host(1).podOn("none", []);
  expect(await none.inside("ip -br link | cut -d\\  -f1")).toBe("lo\n");
  await none.probe.serve("tcp", 8080, "127.0.0.1");
  expect(await none.probe.ask({ host: "127.0.0.1", port: 8080 })).toBe("none 127.0.0.1");
  expect(await own.repair()).toBe(0);
  const links = async (): Promise<number> => Number(await namespace.run("ip -o link show type veth | grep -c tsp"));
  const count = await links();
  await own.detach(["none", "both"]);
  expect(await links()).toBe(count - 2);
  await waitFor(
    "the address is no pod's any more",
    async () => (await ask(near, "10.64.1.3", briefly)) === "EHOSTUNREACH",
  );
});

test("a share that the node has not got is waited for, and a network that does not exist is named", async () => {
  const { signal } = new AbortController();
  expect(await lab.host(1).network.shareOf("shop/back", signal)).toBe("10.64.1.0/26");
  const missing = lab.host(1).network.shareOf("shop/none", signal);
  await expect(missing).rejects.toThrow("join network shop/none: there is no such Network");
  await expect(lab.host(3).network.shareOf("shop/back", signal)).rejects.toThrow("no share of its addresses");
});
