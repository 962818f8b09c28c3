import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { dualStack } from "../test/kit/network-world.js";
import { podIpv6 } from "./ipv6.js";

// Two hosts of both families, a pod on each and a second one on the first; the underlay is of IPv4, with an MTU of 1,500.
let lab: Lab;
let near: LabPod;
let neighbour: LabPod;
let far: LabPod;

const ipv6Of = ({ address }: LabPod): string => podIpv6(`fd00:10:128:${address.split(".")[2]}::/64`, address);

beforeAll(async () => {
  lab = await makeLab(2, dualStack);
  const [one, two] = [lab.host(1), lab.host(2)];
  await lab.setServices([]);
  near = await one.pod("near", 9);
  neighbour = await one.pod("neighbour", 10);
  far = await two.pod("far", 9);
  for (const { probe } of [near, neighbour, far, one, two]) {
    await probe.serve("tcp", 8080, "::");
    await probe.serve("udp", 8080, "::");
  }
  await lab.stranger.serve("tcp", 8080, "::");
});
afterAll(() => lab.dispose());

/** Largest UDP payload in one packet of IPv6: its header has 40 bytes. */
const UDP_AT_MTU = 1_450 - 48;

describe("packets of IPv6", () => {
  test("pods of two hosts reach each other by both families, and see each other's own address", async () => {
    for (const protocol of ["tcp", "udp"] as const) {
      expect(await near.probe.ask({ protocol, host: ipv6Of(far), port: 8080 })).toBe(`far ${ipv6Of(near)}`);
      expect(await far.probe.ask({ protocol, host: ipv6Of(near), port: 8080 })).toBe(`near ${ipv6Of(far)}`);
      expect(await near.probe.ask({ protocol, host: far.address, port: 8080 })).toBe(`far ${near.address}`);
    }
  });

  test("pods of one host reach each other", async () => {
    expect(await near.probe.ask({ host: ipv6Of(neighbour), port: 8080 })).toBe(`neighbour ${ipv6Of(near)}`);
  });

  test("a datagram of exactly the MTU crosses whole, both ways, and a long stream is never cut into fragments", async () => {
    const question = { protocol: "udp" as const, host: ipv6Of(far), port: 8080, bytes: UDP_AT_MTU };
    expect(await near.probe.ask(question)).toBe(`far ${ipv6Of(near)}`);
    expect(await near.probe.ask({ host: ipv6Of(far), port: 8080, bytes: 3_000_000 })).toBe(`far ${ipv6Of(near)}`);
    const counters = await near.inside("nstat -asz Ip6FragCreates Ip6ReasmReqds | grep Ip6");
    expect(counters.match(/\s(\d+)\s/g)?.map(Number)).toEqual([0, 0]);
    expect(await near.probe.ask({ ...question, bytes: UDP_AT_MTU + 1 })).toBe(`far ${ipv6Of(near)}`);
  });

  test("hosts reach pods, own and remote, from their gateway's address", async () => {
    const { probe } = lab.host(1);
    expect(await probe.ask({ host: ipv6Of(near), port: 8080 })).toBe("near fd00:10:128:1::1");
    expect(await probe.ask({ host: ipv6Of(far), port: 8080 })).toBe("far fd00:10:128:1::1");
  });

  test("an address that no pod has is unreachable, on any host", async () => {
    for (const host of ["fd00:10:128:1::99", "fd00:10:128:2::99", "fd00:10:128:77::1"])
      expect(await near.probe.ask({ host, port: 8080 })).toBe("ENETUNREACH");
  });

  test("a pod leaves the cluster from its host's address", async () => {
    await lab.outside.run("ip address add 2001:db8:9::64/64 dev eth0 nodad");
    await lab.host(1).namespace.run("ip address add 2001:db8:9::1/64 dev eth0 nodad");
    expect(await near.probe.ask({ host: "2001:db8:9::64", port: 8080 })).toBe("stranger 2001:db8:9::1");
  });

  test("what somebody deletes of IPv6 is put back, and nothing else is touched", async () => {
    const { namespace, network } = lab.host(1);
    await namespace.run(
      "ip -6 route flush proto 84; ip neighbour flush nud permanent; sysctl -qw net.ipv6.conf.all.forwarding=0",
    );
    expect(await network.repair()).toBeGreaterThan(0);
    expect(await near.probe.ask({ host: ipv6Of(far), port: 8080 })).toBe(`far ${ipv6Of(near)}`);
    expect(await neighbour.probe.ask({ host: ipv6Of(far), port: 8080 })).toBe(`far ${ipv6Of(neighbour)}`);
    expect(await network.repair()).toBe(0);
  });

  test("an agent that starts anew finds pods whole, and leaves what is there", async () => {
    const network = await lab.host(2).restart();
    expect((await network.list()).map(({ uid }) => uid)).toEqual(["far"]);
    expect(await network.repair()).toBe(0);
    await lab.setServices([]);
    expect(await near.probe.ask({ host: ipv6Of(far), port: 8080 })).toBe(`far ${ipv6Of(near)}`);
  });

  test("a pod gets no packet out under an address that is not its own", async () => {
    for (const from of [ipv6Of(neighbour), "fd00:10:128:2::77", "fd00:10:128:1::1", "2001:db8::9"]) {
      await near.inside(`ip address add ${from}/128 dev eth0 nodad`);
      const host = from === ipv6Of(neighbour) ? ipv6Of(far) : ipv6Of(neighbour);
      expect(await near.probe.ask({ protocol: "udp", host, port: 8080, from, timeoutMs: 300 })).toBe("TIMEOUT");
      await near.inside(`ip address delete ${from}/128 dev eth0`);
    }
    expect(await near.probe.ask({ host: ipv6Of(far), port: 8080 })).toBe(`far ${ipv6Of(near)}`);
  });
});
