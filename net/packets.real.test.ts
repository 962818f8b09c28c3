import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";

// Two hosts, a pod on each and a second one on the first; MTU of the underlay 1,500.
let lab: Lab;
let near: LabPod;
let neighbour: LabPod;
let far: LabPod;

beforeAll(async () => {
  lab = await makeLab(2);
  const [one, two] = [lab.host(1), lab.host(2)];
  await lab.setServices([]);
  near = await one.pod("near", 9);
  neighbour = await one.pod("neighbour", 10);
  far = await two.pod("far", 9);
  for (const { probe } of [near, neighbour, far, one, two]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
  await lab.stranger.serve("tcp", 8080);
});
afterAll(() => lab.dispose());

const UDP_AT_MTU = 1_450 - 28;

describe("packets", () => {
  test("pods of two hosts reach each other by TCP and UDP, and see each other's own address", async () => {
    for (const protocol of ["tcp", "udp"] as const) {
      expect(await near.probe.ask({ protocol, host: far.address, port: 8080 })).toBe(`far ${near.address}`);
      expect(await far.probe.ask({ protocol, host: near.address, port: 8080 })).toBe(`near ${far.address}`);
    }
  });

  test("pods of one host reach each other", async () => {
    expect(await near.probe.ask({ host: neighbour.address, port: 8080 })).toBe(`neighbour ${near.address}`);
  });

  test("a datagram of exactly the MTU crosses whole, both ways, and a long stream is never cut into fragments", async () => {
    const question = { protocol: "udp" as const, host: far.address, port: 8080, bytes: UDP_AT_MTU };
    expect(await near.probe.ask(question)).toBe(`far ${near.address}`);
    expect(await near.probe.ask({ host: far.address, port: 8080, bytes: 3_000_000 })).toBe(`far ${near.address}`);
    for (const { namespace } of lab.hosts) {
      const counters = await namespace.run("nstat -asz IpFragCreates IpReasmReqds | grep Ip");
      expect(counters.match(/\s(\d+)\s/g)?.map(Number)).toEqual([0, 0]);
    }
  });

  test("a datagram above the MTU still arrives, in fragments", async () => {
    const question = { protocol: "udp" as const, host: far.address, port: 8080, bytes: UDP_AT_MTU + 1 };
    expect(await near.probe.ask(question)).toBe(`far ${near.address}`);
  });

  test("hosts reach pods, own and remote, from their gateway's address, and pods reach hosts", async () => {
    const [one, two] = [lab.host(1), lab.host(2)];
    expect(await one.probe.ask({ host: near.address, port: 8080 })).toBe("near 10.128.1.1");
    expect(await one.probe.ask({ host: far.address, port: 8080 })).toBe("far 10.128.1.1");
    expect(await near.probe.ask({ host: one.address, port: 8080 })).toBe(`host-1 ${near.address}`);
    expect(await near.probe.ask({ host: two.address, port: 8080 })).toBe("host-2 192.168.9.1");
  });

  test("a pod leaves the cluster from its host's address", async () => {
    expect(await near.probe.ask({ host: "192.168.9.100", port: 8080 })).toBe("stranger 192.168.9.1");
  });

  test("an address that no pod has is unreachable at once, on any host", async () => {
    for (const host of ["10.128.1.200", "10.128.2.200", "10.128.77.1"])
      expect(await near.probe.ask({ host, port: 8080 })).toMatch(/^E(HOST|NET)UNREACH$/);
  });

  test("100 pods are attached and detached in one batch each, and the host keeps nothing of them", async () => {
    const { network, namespace } = lab.host(2);
    const links = Array.from({ length: 100 }, (_, at) => ({
      uid: `many-${at}`,
      address: `10.128.2.${at + 100}`,
      hostPorts: [],
    }));
    const before = await namespace.run("ip link | grep -c tsp");
    await Promise.all(links.map((link) => network.attach([link])));
    expect((await network.list()).length).toBe(101);
    await Promise.all(links.map((link) => network.detach([link.uid])));
    expect(await namespace.run("ip link | grep -c tsp")).toBe(before);
    expect((await network.list()).map((each) => each.uid)).toEqual(["far"]);
    expect(await near.probe.ask({ host: far.address, port: 8080 })).toBe(`far ${near.address}`);
  });
});
