import { afterAll, beforeAll, expect, test } from "vitest";
import { vxlanDatagram } from "../test/kit/forged.js";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { PolicyWorld } from "../test/kit/policy-world.js";
import { HOST_END_MAC, vtepMac } from "./device-names.js";
import { macOfAddress } from "./ipv4.js";

// Two hosts, a pod on each and a second one on the first; a stranger on the same link that is no node.
let lab: Lab;
let near: LabPod;
let neighbour: LabPod;
let far: LabPod;
let insider: LabPod;

beforeAll(async () => {
  lab = await makeLab(2);
  await lab.setServices([]);
  near = await lab.host(1).pod("near", 9);
  neighbour = await lab.host(1).pod("neighbour", 10);
  insider = await lab.host(1).pod("insider", 11, [], true);
  far = await lab.host(2).pod("far", 9);
  for (const { probe } of [near, neighbour, far]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
  for (const { probe } of lab.hosts) for (const port of [7443, 7446, 7379, 7447, 8080]) await probe.serve("tcp", port);
  for (const { probe } of lab.hosts) await probe.serve("udp", 7447);
  for (const { network } of lab.hosts) await network.repair();
});
afterAll(() => lab.dispose());

const received = async (pod: LabPod): Promise<number> =>
  Number(/UdpInDatagrams\s+(\d+)/.exec(await pod.inside("nstat -asz UdpInDatagrams"))?.[1]);

// Addresses that the pod has no right to: its neighbour's, one of another node, the host's own, one from outside, loopback.
for (const address of ["10.128.1.10", "10.128.2.77", "10.128.1.1", "203.0.113.9"]) {
  test(`a pod that takes ${address} gets no packet out under it, to pods of its host or others`, async () => {
    await near.inside(`ip address add ${address}/32 dev eth0`);
    const before = [await received(neighbour), await received(far)];
    for (const pod of [neighbour, far].filter((each) => each.address !== address)) {
      const question = { host: pod.address, port: 8080, from: address, timeoutMs: 300 };
      expect(await near.probe.ask({ ...question, protocol: "udp" })).toBe("TIMEOUT");
      expect(await near.probe.ask(question)).toBe("TIMEOUT");
    }
    expect([await received(neighbour), await received(far)]).toEqual(before);
    await near.inside(`ip address delete ${address}/32 dev eth0`);
    expect(await near.probe.ask({ host: far.address, port: 8080 })).toBe(`far ${near.address}`);
  });
}

test("a pod that takes its neighbour's MAC gets nothing of what is the neighbour's, and stays itself", async () => {
  const [mac, own] = [macOfAddress(neighbour.address), macOfAddress(near.address)];
  // A change of its address makes a device forget its neighbours.
  const gateway = `ip neighbour replace 10.128.1.1 lladdr ${HOST_END_MAC} dev eth0 nud permanent`;
  await near.inside(`ip link set eth0 address ${mac}; ${gateway}`);
  await near.probe.ask({ protocol: "udp", host: far.address, port: 8080, timeoutMs: 200 });
  expect(await far.probe.ask({ host: neighbour.address, port: 8080 })).toBe(`neighbour ${far.address}`);
  expect(await neighbour.probe.ask({ host: far.address, port: 8080 })).toBe(`far ${neighbour.address}`);
  await near.inside(`ip link set eth0 address ${own}; ${gateway}`);
  expect(await near.probe.ask({ host: far.address, port: 8080 })).toBe(`far ${near.address}`);
});

test("a packet of the overlay is taken from the host that has its sender's subnet, and from no other", async () => {
  const datagram = (source: string): string =>
    vxlanDatagram({ vni: 4242, toMac: vtepMac("node-1"), source, destination: near.address, port: 8080 });
  const send = (from: "peer" | "stranger", source: string): Promise<string> =>
    (from === "peer" ? lab.host(2).probe : lab.stranger).exchange({
      protocol: "udp",
      host: lab.host(1).address,
      port: 4789,
      hex: datagram(source),
    });
  const before = await received(near);
  await send("peer", far.address);
  expect(await received(near)).toBe(before + 1);
  // A stranger that knows everything, and a node that speaks for another's pods, for this node's, and for the world.
  await send("stranger", far.address);
  for (const source of ["10.128.3.9", neighbour.address, "203.0.113.9"]) await send("peer", source);
  expect(await received(near)).toBe(before + 1);
});

// A node hands on what clients from outside send to pods: in its own name, and for nobody else.
const handedOn = [
  { what: "a client from outside", source: "203.0.113.9", isTaken: true },
  { what: "another node's client, which that node would hand on itself", source: "203.0.113.9", mac: "node-3" },
  { what: "a pod of another node", source: "10.128.3.9" },
  { what: "a pod of this node", source: "10.128.1.10" },
  { what: "a host of the cluster", source: "192.168.9.2" },
  { what: "a service", source: "10.96.0.1" },
  { what: "this host's loopback", source: "127.0.0.1" },
  { what: "everybody", source: "224.0.0.1" },
  { what: "a client from outside, to the host instead of a pod", source: "203.0.113.9", to: "10.128.1.1" },
  { what: "a client from outside, to a pod of a third node", source: "203.0.113.9", to: "10.128.3.9" },
  { what: "a client from outside, in a network beside the cluster's", source: "203.0.113.9", vni: 4243 },
];
for (const { what, source, isTaken = false, mac = "node-2", to = "", vni = 4242 } of handedOn) {
  test(`a peer that hands on packets of ${what} is ${isTaken ? "believed" : "not believed"}`, async () => {
    await lab
      .host(1)
      .namespace.run(
        "nft add table inet watch; nft 'add chain inet watch seen { type filter hook prerouting priority -300; }'; nft add rule inet watch seen iifname tallship0 udp dport 8080 counter",
      );
    const datagram = { vni, toMac: vtepMac("node-1"), fromMac: vtepMac(mac), source, destination: to || near.address };
    await lab.host(2).probe.exchange({
      protocol: "udp",
      host: lab.host(1).address,
      port: 4789,
      hex: vxlanDatagram({ ...datagram, port: 8080 }),
    });
    const seen = await lab.host(1).namespace.run("nft list chain inet watch seen; nft delete table inet watch");
    expect(seen).toContain(`packets ${isTaken ? 1 : 0} `);
  });
}

test("pods reach neither the agents, etcd nor the tunnels, at no address of a host; what else a host serves they do", async () => {
  for (const host of lab.hosts) {
    for (const address of [host.address, `10.128.${host.at}.1`]) {
      for (const port of [7446, 7379, 7447]) expect(await near.probe.ask({ host: address, port })).toBe("ECONNREFUSED");
      expect(await near.probe.ask({ protocol: "udp", host: address, port: 7447, timeoutMs: 300 })).toBe("TIMEOUT");
      for (const port of [7443, 8080])
        expect(await near.probe.ask({ host: address, port })).toMatch(`host-${host.at} `);
    }
  }
});

test("a pod's packets for a tunnel go nowhere, wherever they are sent", async () => {
  const before = await received(far);
  const hex = vxlanDatagram({
    vni: 4242,
    toMac: vtepMac("node-2"),
    source: near.address,
    destination: far.address,
    port: 8080,
  });
  for (const host of ["192.168.9.1", "192.168.9.2", "10.128.1.1", "10.128.2.1"])
    await near.probe.exchange({ protocol: "udp", host, port: 4789, hex });
  expect(await received(far)).toBe(before);
});

test("nodes reach each other's ports for probes, at both ends of the overlay too", async () => {
  for (const host of [lab.host(2).address, "10.128.2.1"])
    for (const protocol of ["tcp", "udp"] as const)
      expect(await lab.host(1).probe.ask({ protocol, host, port: 7447 })).toMatch(/^host-2/);
});

test("a pod that is let in reaches what belongs to Tallship, and hosts always do", async () => {
  for (const { address } of lab.hosts)
    for (const probe of [insider.probe, lab.host(1).probe, lab.host(2).probe, lab.stranger])
      expect(await probe.ask({ host: address, port: 7446 })).toMatch(/^host-/);
});

test("who is let in is known to the successor of what programs it", async () => {
  await lab.host(1).restart();
  await lab.setServices([]);
  await lab.setPolicies(new PolicyWorld());
  expect(await insider.probe.ask({ host: lab.host(2).address, port: 7446 })).toMatch(/^host-2/);
  expect(await near.probe.ask({ host: lab.host(2).address, port: 7446 })).toBe("ECONNREFUSED");
});

test("a pod cannot reach the loopback of its host through a device that lets host ports in from there", async () => {
  const port = { protocol: "TCP" as const, hostIP: "127.0.0.1", hostPort: 18_081, containerPort: 8080 };
  const open = await lab.host(1).pod("open", 12, [port]);
  await lab.host(1).probe.serve("udp", 5_353, "127.0.0.1");
  // The pod sends what is for 127.0.0.1 out by its link, as a raw socket could.
  await open.inside(
    "sysctl -qw net.ipv4.conf.all.route_localnet=1; ip rule add pref 1 to 127.0.0.0/8 lookup main; ip rule del pref 0; ip rule add pref 10 lookup local; ip route add 127.0.0.0/8 via 10.128.1.1 dev eth0 onlink src 10.128.1.12",
  );
  expect(await open.probe.ask({ protocol: "udp", host: "127.0.0.1", port: 5_353, timeoutMs: 300 })).toBe("TIMEOUT");
});

test("a host that comes back under another address is known by that one alone", async () => {
  const send = (host: "peer" | "stranger"): Promise<string> =>
    (host === "peer" ? lab.host(2).probe : lab.stranger).exchange({
      protocol: "udp",
      host: lab.host(1).address,
      port: 4789,
      hex: vxlanDatagram({
        vni: 4242,
        toMac: vtepMac("node-1"),
        source: far.address,
        destination: near.address,
        port: 8080,
      }),
    });
  await lab.setServices([], { "node-2": "192.168.9.100" });
  await lab.host(1).network.repair();
  const before = await received(near);
  await send("stranger");
  expect(await received(near)).toBe(before + 1);
  await send("peer");
  expect(await received(near)).toBe(before + 1);
});
