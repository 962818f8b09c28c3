import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { dualStack, type TestService } from "../test/kit/network-world.js";
import { PolicyWorld } from "../test/kit/policy-world.js";
import { waitFor } from "../test/kit/wait.js";
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
    const { network } = lab.host(1);
    const damage =
      "ip -6 route flush proto 84; ip neighbour flush nud permanent; sysctl -qw net.ipv6.conf.all.forwarding=0";
    expect(await lab.host(1).damage(damage)).toBeGreaterThan(0);
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

describe("services of both families", () => {
  const VIP = "fd00:10:96::11";
  const STICKY = "fd00:10:96::12";
  const EMPTY = "fd00:10:96::13";
  let services: readonly TestService[] = [];

  beforeAll(async () => {
    const endpoints = [near, far].flatMap((pod) => [pod.address, ipv6Of(pod)]);
    const ports = (nodePort: number) => [
      { name: "tcp", port: 80, targetPort: 8080, nodePort },
      { name: "udp", port: 80, targetPort: 8080, protocol: "UDP", nodePort },
    ];
    const clientIP = { timeoutSeconds: 10 };
    services = [
      {
        name: "web",
        clusterIP: "10.96.1.1",
        ports: ports(30_080),
        endpoints,
        spec: { clusterIPs: ["10.96.1.1", VIP] },
      },
      {
        name: "sticky",
        clusterIP: STICKY,
        ports: ports(0),
        endpoints,
        spec: { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP } },
      },
      { name: "empty", clusterIP: EMPTY, ports: ports(0), endpoints: [] },
    ];
    await lab.setServices(services);
  });

  const many = async (from: LabPod, host: string, port = 80): Promise<readonly string[]> => {
    const answers: string[] = [];
    for (let at = 0; at < 12; at += 1) answers.push(await from.probe.ask({ host, port }));
    return [...new Set(answers)].sort();
  };

  test("either address leads to every endpoint, with the client's own address, and a pod that meets itself gets an answer", async () => {
    expect(await many(neighbour, VIP)).toEqual([`far ${ipv6Of(neighbour)}`, `near ${ipv6Of(neighbour)}`]);
    expect(await many(neighbour, "10.96.1.1")).toEqual([`far ${neighbour.address}`, `near ${neighbour.address}`]);
    expect(await many(near, VIP)).toEqual([`far ${ipv6Of(near)}`, "near fd00:10:128:1::1"]);
    expect(await near.probe.ask({ protocol: "udp", host: VIP, port: 80 })).toMatch(/^(near|far) fd00:/);
  });

  test("hosts reach services by IPv6, and a service without endpoints refuses at once", async () => {
    expect(await lab.host(1).probe.ask({ host: VIP, port: 80 })).toMatch(/^(near|far) fd00:10:128:1::1$/);
    expect(await near.probe.ask({ host: EMPTY, port: 80 })).toBe("ECONNREFUSED");
    expect(await lab.host(1).probe.ask({ host: EMPTY, port: 80 })).toBe("ECONNREFUSED");
  });

  test("a client keeps its endpoint where the service says so", async () => {
    for (const pod of [near, neighbour, far]) expect(await many(pod, STICKY)).toHaveLength(1);
  });

  test("a client keeps its endpoint when others come and over a restart of the agent, is led anew when it goes, and is forgotten in time", async () => {
    const sticky = (endpoints: readonly LabPod[], timeoutSeconds = 60): readonly TestService[] => [
      {
        ...{ name: "sticky", clusterIP: STICKY, endpoints: endpoints.map(ipv6Of) },
        ports: [{ name: "tcp", port: 80, targetPort: 8080, nodePort: 30_081 }],
        spec: { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds } } },
      },
    ];
    await lab.setServices(sticky([far]));
    expect(await many(near, STICKY)).toEqual([`far ${ipv6Of(near)}`]);
    await lab.setServices(sticky([near, neighbour, far]));
    expect(await many(near, STICKY)).toEqual([`far ${ipv6Of(near)}`]);
    await lab.host(1).restart();
    await lab.setServices(sticky([near, neighbour, far]));
    expect(await many(near, STICKY)).toEqual([`far ${ipv6Of(near)}`]);
    expect(await lab.host(1).network.repair()).toBe(0);
    await lab.setServices(sticky([neighbour]));
    expect(await many(near, STICKY)).toEqual([`neighbour ${ipv6Of(near)}`]);
    await lab.setServices(sticky([neighbour], 1));
    expect(await many(near, STICKY)).toEqual([`neighbour ${ipv6Of(near)}`]);
    await lab.setServices(sticky([far, near], 1));
    const list = (): Promise<string> => lab.host(1).namespace.run("nft list map ip6 tallship affinities");
    await waitFor("clients to be forgotten", async () => !(await list()).includes("timeout 1s"), { everyMs: 100 });
    await lab.setServices(services);
  });

  test("node ports answer strangers and the host itself by IPv6", async () => {
    for (const host of lab.hosts)
      await host.namespace.run(`ip address replace 2001:db8:9::${host.at}/64 dev eth0 nodad`);
    await lab.outside.run("ip address replace 2001:db8:9::64/64 dev eth0 nodad");
    const answers = new Set<string>();
    for (let at = 0; at < 12; at += 1) answers.add(await lab.stranger.ask({ host: "2001:db8:9::1", port: 30_080 }));
    expect([...answers].sort()).toEqual(["far 2001:db8:9::64", "near 2001:db8:9::64"]);
    expect(await lab.host(1).probe.ask({ host: "2001:db8:9::1", port: 30_080 })).toMatch(/^(near|far) /);
    expect(await near.probe.ask({ host: "2001:db8:9::1", port: 30_080 })).toMatch(/^(near|far) /);
    // No packet of ::1 leaves: localhost comes to 127.0.0.1 at once.
    for (const protocol of ["tcp", "udp"] as const) {
      const asked = { protocol, port: 30_080, timeoutMs: 2_000 };
      expect(await lab.host(1).probe.ask({ ...asked, host: "::1" })).toBe("ECONNREFUSED");
    }
  });

  test("host ports stand on the addresses asked, of the families asked, over a restart of the agent too", async () => {
    const port = (hostIP: string, hostPort: number) => ({
      protocol: "TCP" as const,
      hostIP,
      hostPort,
      containerPort: 8080,
    });
    const pod = await lab
      .host(1)
      .pod("ported", 30, [port("", 9_001), port("::1", 9_002), port("2001:db8:9::1", 9_003)]);
    await pod.probe.serve("tcp", 8080, "::");
    const look = async (): Promise<readonly string[]> => [
      await lab.stranger.ask({ host: "2001:db8:9::1", port: 9_001 }),
      await lab.stranger.ask({ host: "192.168.9.1", port: 9_001 }),
      await lab.host(1).probe.ask({ host: "::1", port: 9_002 }),
      await lab.stranger.ask({ host: "2001:db8:9::1", port: 9_002, timeoutMs: 500 }),
      await lab.stranger.ask({ host: "2001:db8:9::1", port: 9_003 }),
      await lab.stranger.ask({ host: "192.168.9.1", port: 9_003, timeoutMs: 500 }),
    ];
    const want = [
      "ported 2001:db8:9::64",
      "ported 192.168.9.100",
      // By a program that listens there, which asks as the host does.
      "ported 10.128.1.1",
      "ECONNREFUSED",
      "ported 2001:db8:9::64",
      "ECONNREFUSED",
    ];
    expect(await look()).toEqual(want);
    const network = await lab.host(1).restart();
    await lab.setServices(services);
    expect(await look()).toEqual(want);
    await network.detach(["ported"]);
    expect(await lab.stranger.ask({ host: "2001:db8:9::1", port: 9_001 })).toBe("ECONNREFUSED");
  });

  test("what somebody does to the table of IPv6 is mended, and that of IPv4 stands", async () => {
    const { namespace, network } = lab.host(1);
    const before = await namespace.run("nft -t list table inet tallship | sha1sum");
    for (const damage of [
      "nft delete table ip6 tallship",
      "nft flush map ip6 tallship services",
      "nft delete table ip6 tallship-firewall",
    ]) {
      await network.repair();
      await namespace.run(damage);
      await network.repair();
      expect(await near.probe.ask({ host: VIP, port: 80 })).toMatch(/^(near|far) /);
    }
    expect(await namespace.run("nft -t list table inet tallship | sha1sum")).toBe(before);
    expect(await network.repair()).toBe(0);
  });
});

test("policies hold by IPv6: pod sets, named ports, ranges with holes, and connections that come to be forbidden", async () => {
  const world = new PolicyWorld();
  world.namespace("default");
  for (const at of [1, 2]) world.node(`node-${at}`, `10.128.${at}.0/24`, `fd00:10:128:${at}::/64`);
  for (const pod of [near, neighbour, far])
    world.pod({
      ...{
        name: `default/${pod.uid}`,
        node: pod === far ? "node-2" : "node-1",
        address: pod.address,
        ipv6: ipv6Of(pod),
      },
      ...{ labels: { name: pod.uid }, ports: { web: 8080 } },
    });
  const reaches = async (from: LabPod, to: LabPod, protocol: "tcp" | "udp" = "tcp"): Promise<boolean> =>
    (await from.probe.ask({ protocol, host: ipv6Of(to), port: 8080, timeoutMs: 1_000 })) !== "TIMEOUT";
  await lab.setPolicies(world);
  expect(await reaches(near, far)).toBe(true);
  await near.probe.open({ host: ipv6Of(far), port: 8080 });

  const podSelector = { matchLabels: { name: "far" } };
  const web = { protocol: "TCP", port: { value: { $case: "strVal", value: "web" } as const } };
  const fromNeighbour = [{ podSelector: { matchLabels: { name: "neighbour" } } }];
  world.policy("default/far", { podSelector, ingress: [{ from: fromNeighbour, ports: [web] }] });
  await lab.setPolicies(world);
  expect([await reaches(near, far), await reaches(near, far, "udp")]).toEqual([false, false]);
  expect([await reaches(neighbour, far), await reaches(neighbour, far, "udp")]).toEqual([true, false]);
  expect(await reaches(far, near)).toBe(true);
  expect(await near.probe.talk()).not.toBe("TALKED");

  const range = { cidr: "fd00:10:128:1::/64", except: [`${ipv6Of(neighbour)}/128`] };
  world.policy("default/far", { podSelector, ingress: [{ from: [{ ipBlock: range }] }] });
  await lab.setPolicies(world);
  expect([await reaches(near, far), await reaches(neighbour, far)]).toEqual([true, false]);

  world.policy("default/near", { podSelector: { matchLabels: { name: "near" } }, policyTypes: ["Egress"] });
  await lab.setPolicies(world);
  expect(await reaches(near, far)).toBe(false);
});
