import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab, type Probe } from "../test/kit/network-lab.js";
import { bothProtocols, type TestService, VIP } from "../test/kit/network-world.js";
import { waitFor } from "../test/kit/wait.js";

// Two hosts; pods a and b on the first, c and d on the second, each serving TCP and UDP 8080. A stranger outside routes 203.0.113.0/24 to the
// first host, as a router does whose owner has external or announced addresses.
let lab: Lab;
let a: LabPod;
let b: LabPod;
let c: LabPod;
let d: LabPod;

beforeAll(async () => {
  lab = await makeLab(2);
  await lab.setServices([]);
  await lab.outside.run("ip route add 203.0.113.0/24 via 192.168.9.1");
  a = await lab.host(1).pod("a", 9);
  b = await lab.host(1).pod("b", 10);
  c = await lab.host(2).pod("c", 9);
  d = await lab.host(2).pod("d", 10);
  for (const { probe } of [a, b, c, d]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
  for (const host of lab.hosts) {
    await host.namespace.run("ip route add default via 192.168.9.100");
    await host.probe.serve("tcp", 9090);
  }
});
afterAll(() => lab.dispose());

const OUTER = "203.0.113.7";
/** Names of those who answered. */
const answers = async (probe: Probe, count: number, host = VIP, port = 80): Promise<readonly string[]> => {
  const said = await Promise.all(Array.from({ length: count }, () => probe.ask({ host, port })));
  return [...new Set(said.map((each) => each.split(" ")[0] ?? ""))].sort();
};
const LATE = "TIMEOUT";

test("with session affinity each client keeps its endpoint, by TCP and UDP, and clients differ", async () => {
  const all = [a, b, c, d].map(({ address }) => address);
  await lab.setServices([bothProtocols(all, { spec: { sessionAffinity: "ClientIP" } })]);
  const kept = await answers(a.probe, 20);
  expect(kept.length).toBe(1);
  expect((await answers(lab.stranger, 20, lab.host(1).address, 30_080)).length).toBe(1);
  const udp = await Promise.all(
    Array.from({ length: 10 }, () => b.probe.ask({ protocol: "udp", host: VIP, port: 80 })),
  );
  expect(new Set(udp).size).toBe(1);
});

test("a client keeps its endpoint when others come, when the agent dies, and while the endpoint is there", async () => {
  const spec = { sessionAffinity: "ClientIP" };
  await lab.setServices([bothProtocols([c.address], { spec })]);
  expect(await answers(a.probe, 3)).toEqual(["c"]);
  await lab.setServices([
    bothProtocols(
      [a, b, c, d].map(({ address }) => address),
      { spec },
    ),
  ]);
  expect(await answers(a.probe, 20)).toEqual(["c"]);
  await lab.host(1).restart();
  await lab.setServices([
    bothProtocols(
      [a, b, c, d].map(({ address }) => address),
      { spec },
    ),
  ]);
  expect(await answers(a.probe, 20)).toEqual(["c"]);
  await lab.setServices([bothProtocols([b.address, d.address], { spec })]);
  const moved = await answers(a.probe, 20);
  expect(moved.length).toBe(1);
  expect(["b", "d"]).toContain(moved[0]);
});

test("a client is led anew when its time is over", async () => {
  const spec = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } };
  await lab.setServices([bothProtocols([c.address], { spec })]);
  expect(await answers(a.probe, 1)).toEqual(["c"]);
  await lab.setServices([bothProtocols([c.address, d.address, b.address], { spec })]);
  const list = (): Promise<string> => lab.host(1).namespace.run("nft list map inet tallship affinities");
  // On a busy machine a second may be over before the list is asked for.
  await waitFor("the client to be remembered for a second", async () => {
    await a.probe.ask({ host: VIP, port: 80 });
    return (await list()).includes("timeout 1s");
  });
  await waitFor("the client to be forgotten", async () => !(await list()).includes("timeout 1s"), { everyMs: 100 });
  await waitFor("another endpoint", async () => (await a.probe.ask({ host: VIP, port: 80 })) !== `c ${a.address}`, {
    everyMs: 1_100,
    deadlineMs: 30_000,
  });
});

test("internalTrafficPolicy Local leads pods and hosts to endpoints of their own node, and refuses where there are none", async () => {
  const spec = { internalTrafficPolicy: "Local" };
  await lab.setServices([bothProtocols([a.address, c.address], { spec })]);
  for (const probe of [b.probe, lab.host(1).probe]) expect(await answers(probe, 10)).toEqual(["a"]);
  for (const probe of [d.probe, lab.host(2).probe]) expect(await answers(probe, 10)).toEqual(["c"]);
  await lab.setServices([bothProtocols([a.address], { spec })]);
  expect(await d.probe.ask({ host: VIP, port: 80 })).toBe("ECONNREFUSED");
});

test("externalTrafficPolicy Local keeps the stranger's address, drops on nodes without endpoints, and lets pods reach all", async () => {
  await lab.setServices([bothProtocols([a.address], { type: "NodePort", spec: { externalTrafficPolicy: "Local" } })]);
  const [one, two] = [lab.host(1), lab.host(2)];
  expect(await lab.stranger.ask({ host: one.address, port: 30_080 })).toBe("a 192.168.9.100");
  expect(await lab.stranger.ask({ protocol: "udp", host: one.address, port: 30_080 })).toBe("a 192.168.9.100");
  expect(await lab.stranger.ask({ host: two.address, port: 30_080, timeoutMs: 300 })).toBe(LATE);
  expect(await answers(c.probe, 5, two.address, 30_080)).toEqual(["a"]);
  expect(await answers(two.probe, 5, two.address, 30_080)).toEqual(["a"]);
});

test("an external address is served from outside, from pods and from hosts, and refuses without endpoints", async () => {
  const spec = { externalIPs: [OUTER] };
  await lab.setServices([bothProtocols([a.address, c.address], { spec })]);
  for (const probe of [lab.stranger, b.probe, d.probe, lab.host(1).probe, lab.host(2).probe])
    expect(await answers(probe, 20, OUTER)).toEqual(["a", "c"]);
  expect(await lab.stranger.ask({ protocol: "udp", host: OUTER, port: 80 })).toMatch(/^[ac] /);
  await lab.setServices([bothProtocols([], { spec })]);
  for (const probe of [lab.stranger, b.probe, lab.host(2).probe])
    expect(await probe.ask({ host: OUTER, port: 80 })).toBe("ECONNREFUSED");
});

test("an announced address lets in the networks that the service names, and refuses what it does not serve", async () => {
  const served = (loadBalancerSourceRanges: readonly string[]): TestService =>
    bothProtocols([a.address], {
      type: "LoadBalancer",
      announced: [OUTER],
      spec: { loadBalancerSourceRanges: [...loadBalancerSourceRanges] },
    });
  await lab.setServices([served([])]);
  expect(await lab.stranger.ask({ host: OUTER, port: 80 })).toBe("a 192.168.9.100");
  expect(await d.probe.ask({ host: OUTER, port: 80 })).toBe(`a ${d.address}`);
  for (const probe of [lab.stranger, d.probe, lab.host(2).probe])
    expect(await probe.ask({ host: OUTER, port: 81 })).toBe("ECONNREFUSED");
  await lab.setServices([served(["192.168.9.96/28", "192.168.9.100/32"])]);
  expect(await lab.stranger.ask({ host: OUTER, port: 80 })).toBe("a 192.168.9.100");
  await lab.setServices([served(["192.168.9.128/25"])]);
  expect(await lab.stranger.ask({ host: OUTER, port: 80, timeoutMs: 300 })).toBe(LATE);
  expect(await d.probe.ask({ host: OUTER, port: 80 })).toBe(`a ${d.address}`);
});

test("nothing of the host answers on an announced address that the host bears", async () => {
  await lab.setServices([bothProtocols([c.address], { type: "LoadBalancer", announced: [OUTER] })]);
  const one = lab.host(1);
  await one.namespace.run(`ip address add ${OUTER}/32 dev eth0`);
  expect(await lab.stranger.ask({ host: OUTER, port: 80 })).toMatch(/^c /);
  expect(await lab.stranger.ask({ host: OUTER, port: 9090 })).toBe("ECONNREFUSED");
  expect(await lab.stranger.ask({ host: OUTER, port: 30_080 })).toBe("ECONNREFUSED");
  await one.namespace.run(`ip address delete ${OUTER}/32 dev eth0`);
});

test("an announced address of the link is answered for by the node that is named, and moves at once with its name", async () => {
  const onLink = "192.168.9.200";
  const served = (announcedBy: string): TestService =>
    bothProtocols([a.address, c.address], {
      type: "LoadBalancer",
      announced: [onLink],
      announcedBy,
      spec: { externalTrafficPolicy: "Local" },
    });
  const question = { host: onLink, port: 80, timeoutMs: 500 };
  const is = (want: string) => async (): Promise<boolean> => (await lab.stranger.ask(question)) === want;
  await lab.setServices([served("node-1")]);
  await waitFor("the first node to answer", is("a 192.168.9.100"));
  await lab.setServices([served("node-2")]);
  await waitFor("the second node to answer", is("c 192.168.9.100"));
  await lab.host(2).restart();
  expect(await lab.stranger.ask(question)).toBe("c 192.168.9.100");
  await lab.setServices([served("")]);
  const kept = await lab.host(2).namespace.run("ip -o address show dev tallship0");
  expect(kept).not.toContain(onLink);
});

test("a host that has just begun to answer for an address says no more of it once another does", async () => {
  const onLink = "192.168.9.201";
  const served = (announcedBy: string): TestService =>
    bothProtocols([a.address, c.address], { type: "LoadBalancer", announced: [onLink], announcedBy });
  const chains = [1, 2].map(
    (at) =>
      `chain c${at} { type filter hook ingress device "p${at}" priority 0; ether daddr ff:ff:ff:ff:ff:ff arp saddr ip ${onLink} counter; }`,
  );
  await lab.fabric.run(`echo '${`table netdev told {\n${chains.join("\n")}\n}`}' | nft -f -`);
  const told = async (at: number): Promise<number> =>
    Number(/packets (\d+)/.exec(await lab.fabric.run(`nft list chain netdev told c${at}`))?.[1] ?? 0);
  await lab.setServices([served("node-1")]);
  await waitFor("the first to tell of it", async () => (await told(1)) > 0);
  await lab.stranger.ask({ host: onLink, port: 80 });
  await lab.setServices([served("node-2")]);
  const before = await told(1);
  // As a question and as an answer, three times, a second apart: by then the first would have told of it four times more. It may have been about to.
  await waitFor("the second to have told of it", async () => (await told(2)) >= 6);
  expect(await told(1)).toBeLessThanOrEqual(before + 2);
  const mac = /link\/ether (\S+)/.exec(await lab.host(2).namespace.run("ip link show dev eth0"))?.[1] ?? "none";
  expect(await lab.outside.run(`ip neighbour show ${onLink} dev eth0`)).toContain(mac);
  await lab.fabric.run("nft delete table netdev told");
  await lab.setServices([served("")]);
});

test("a stranger reaches endpoints on another host's own network", async () => {
  const hosts = [lab.host(2).address];
  await lab.setServices([bothProtocols(hosts, { ports: [{ port: 80, targetPort: 9090, nodePort: 30_081 }] })]);
  expect(await lab.stranger.ask({ host: lab.host(1).address, port: 30_081 })).toBe("host-2 192.168.9.1");
  expect(await lab.stranger.ask({ host: lab.host(2).address, port: 30_081 })).toBe("host-2 192.168.9.100");
});

test("what is wanted of all these is what the kernel has", async () => {
  const spec = {
    sessionAffinity: "ClientIP",
    externalIPs: ["203.0.113.9"],
    externalTrafficPolicy: "Local",
    loadBalancerSourceRanges: ["192.168.9.0/24", "198.51.100.1/32"],
  };
  const outer = {
    name: "outer",
    clusterIP: "10.96.1.3",
    ports: [{ port: 80 }],
    spec: { externalIPs: ["203.0.113.8"] },
  };
  const sticky = bothProtocols([a.address, c.address, lab.host(2).address], {
    type: "LoadBalancer",
    announced: [OUTER],
    spec,
  });
  await lab.setServices([sticky, outer]);
  for (const host of lab.hosts) expect(await host.network.repair()).toBe(0);
  const held = (): Promise<string> => lab.host(1).namespace.run("nft list map inet tallship sticky-endpoints");
  expect(await held()).toContain("elements");
  await lab.host(1).namespace.run("nft flush map inet tallship sticky-endpoints");
  await lab.host(1).network.repair();
  expect(await held()).toContain("elements");
  expect(await lab.host(1).network.repair()).toBe(0);
});
