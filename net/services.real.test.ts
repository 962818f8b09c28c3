import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab, type Probe } from "../test/kit/network-lab.js";
import { bothProtocols, VIP } from "../test/kit/network-world.js";
import { PolicyWorld } from "../test/kit/policy-world.js";
import { waitFor } from "../test/kit/wait.js";

// Two hosts; pods a and b on the first, c on the second. Each serves TCP and UDP 8080.
let lab: Lab;
let a: LabPod;
let b: LabPod;
let c: LabPod;

beforeAll(async () => {
  lab = await makeLab(2);
  await lab.setServices([]);
  a = await lab.host(1).pod("a", 9);
  b = await lab.host(1).pod("b", 10);
  c = await lab.host(2).pod("c", 9, [
    { protocol: "TCP", hostIP: "", hostPort: 18_080, containerPort: 8080 },
    { protocol: "TCP", hostIP: "127.0.0.1", hostPort: 18_081, containerPort: 8080 },
    { protocol: "UDP", hostIP: "192.168.9.2", hostPort: 18_082, containerPort: 8080 },
  ]);
  for (const { probe } of [a, b, c]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
  for (const host of lab.hosts) await host.probe.serve("tcp", 9090);
});
afterAll(() => lab.dispose());

/** Names of those who answered. */
const answers = async (probe: Probe, count: number, host = VIP, port = 80): Promise<readonly string[]> => {
  const said = await Promise.all(Array.from({ length: count }, () => probe.ask({ host, port })));
  return [...new Set(said.map((each) => each.split(" ")[0] ?? ""))].sort();
};

test("a service is reached from pods and hosts, on any node, by TCP and UDP, and leads to every ready endpoint", async () => {
  await lab.setServices([bothProtocols([a.address, c.address, `-${b.address}`])]);
  for (const probe of [b.probe, c.probe, lab.host(1).probe, lab.host(2).probe]) {
    expect(await answers(probe, 30)).toEqual(["a", "c"]);
    expect(await probe.ask({ protocol: "udp", host: VIP, port: 80 })).toMatch(/^[ac] /);
  }
});

test("an endpoint sees the address of the pod that asks, and of a host its gateway's", async () => {
  await lab.setServices([bothProtocols([c.address])]);
  expect(await a.probe.ask({ host: VIP, port: 80 })).toBe(`c ${a.address}`);
  expect(await lab.host(1).probe.ask({ host: VIP, port: 80 })).toBe("c 10.128.1.1");
});

test("a pod meets itself behind its own service, by TCP and UDP", async () => {
  await lab.setServices([bothProtocols([a.address])]);
  expect(await a.probe.ask({ host: VIP, port: 80 })).toBe("a 10.128.1.1");
  expect(await a.probe.ask({ protocol: "udp", host: VIP, port: 80 })).toBe("a 10.128.1.1");
});

test("a service leads to pods on the host's own network, on this node and others", async () => {
  for (const host of lab.hosts) {
    await lab.setServices([bothProtocols([host.address], { ports: [{ port: 80, targetPort: 9090 }] })]);
    for (const probe of [a.probe, c.probe, lab.host(1).probe, lab.host(2).probe])
      expect(await answers(probe, 2)).toEqual([`host-${host.at}`]);
  }
});

// Whoever asks, and whatever is not there, the answer comes at once.
const refused = [
  { what: "a service without ready endpoints", port: 80 },
  { what: "a port that the service does not have", port: 81 },
  { what: "a service address that nobody has", host: "10.96.9.9", port: 80 },
];
for (const { what, host = VIP, port } of refused) {
  test(`${what} refuses at once, to pods and hosts`, async () => {
    await lab.setServices([bothProtocols([`-${a.address}`])]);
    for (const probe of [a.probe, lab.host(1).probe]) {
      expect(await probe.ask({ host, port })).toBe("ECONNREFUSED");
      expect(await probe.ask({ protocol: "udp", host, port })).toBe("ECONNREFUSED");
    }
  });
}

test("a node port leads to endpoints from outside, from hosts and from pods, through any node", async () => {
  await lab.setServices([bothProtocols([a.address, c.address])]);
  for (const host of lab.hosts) {
    for (const probe of [lab.stranger, a.probe, c.probe, lab.host(1).probe, lab.host(2).probe]) {
      expect(await answers(probe, 20, host.address, 30_080)).toEqual(["a", "c"]);
      expect(await probe.ask({ protocol: "udp", host: host.address, port: 30_080 })).toMatch(/^[ac] /);
    }
  }
});

test("a node port keeps the stranger's address where the pod is on the node, and is closed without endpoints", async () => {
  await lab.setServices([bothProtocols([a.address])]);
  const question = { host: lab.host(1).address, port: 30_080 };
  expect(await lab.stranger.ask(question)).toBe("a 192.168.9.100");
  expect(await lab.stranger.ask({ ...question, host: lab.host(2).address })).toBe("a 192.168.9.100");
  await lab.setServices([bothProtocols([])]);
  expect(await lab.stranger.ask(question)).toBe("ECONNREFUSED");
});

test("a node port answers on a host's own 127.0.0.1, wherever the pod is, and nowhere else's", async () => {
  const local = { host: "127.0.0.1", port: 30_080 };
  for (const pod of [a, c]) {
    await lab.setServices([bothProtocols([pod.address])]);
    const name = pod === a ? "a" : "c";
    for (const host of lab.hosts) {
      expect(await host.probe.ask(local)).toMatch(new RegExp(`^${name} `));
      expect(await host.probe.ask({ ...local, protocol: "udp" })).toMatch(new RegExp(`^${name} `));
    }
  }
  expect(await b.probe.ask(local)).toBe("ECONNREFUSED");
  // What listens on a host's loopback stays the host's.
  expect(await lab.host(1).probe.ask({ host: "127.0.0.1", port: 9_090 })).toMatch(/127\.0\.0\.1$/);
});

test("a host port listens exactly on the address that was asked for", async () => {
  const [two, outside] = [lab.host(2), lab.stranger];
  expect(await outside.ask({ host: two.address, port: 18_080 })).toBe("c 192.168.9.100");
  expect(await two.probe.ask({ host: "127.0.0.1", port: 18_080 })).toBe("c 10.128.2.1");
  expect(await two.probe.ask({ host: "127.0.0.1", port: 18_081 })).toBe("c 10.128.2.1");
  expect(await outside.ask({ host: two.address, port: 18_081 })).toBe("ECONNREFUSED");
  expect(await outside.ask({ protocol: "udp", host: two.address, port: 18_082 })).toBe("c 192.168.9.100");
  expect(await c.probe.ask({ host: two.address, port: 18_080 })).toBe("c 10.128.2.1");
  expect(await outside.ask({ host: lab.host(1).address, port: 18_080 })).toBe("ECONNREFUSED");
});

test("a UDP flow moves on when its endpoint leaves, and finds one that comes", async () => {
  const flow = { protocol: "udp" as const, host: VIP, port: 80, fromPort: 20_001, timeoutMs: 500 };
  await lab.setServices([bothProtocols([a.address])]);
  expect(await b.probe.ask(flow)).toMatch(/^a /);
  await lab.setServices([bothProtocols([c.address])]);
  expect(await b.probe.ask(flow)).toMatch(/^c /);
  await lab.setServices([bothProtocols([])]);
  expect(await b.probe.ask(flow)).toBe("ECONNREFUSED");
  await lab.setServices([bothProtocols([a.address])]);
  expect(await b.probe.ask(flow)).toMatch(/^a /);
});

test("services survive the death of what programs them, and its successor takes them over", async () => {
  await lab.setServices([bothProtocols([a.address, c.address])]);
  const one = lab.host(1);
  await one.network.stop();
  expect(await answers(b.probe, 20)).toEqual(["a", "c"]);
  await one.restart();
  expect(await answers(b.probe, 20)).toEqual(["a", "c"]);
  expect(await lab.stranger.ask({ host: lab.host(2).address, port: 18_080 })).toBe("c 192.168.9.100");
  await lab.setServices([bothProtocols([a.address])]);
  expect(await answers(b.probe, 10)).toEqual(["a"]);
});

test("a device of the overlay that is lost while no agent looks is made anew by the next, and its host reaches its own pods at once", async () => {
  await lab.setServices([bothProtocols([a.address, c.address])]);
  const one = lab.host(1);
  const question = { host: a.address, port: 8080 };
  await one.network.stop();
  await one.namespace.run("ip link del tallship0");
  expect(await one.probe.ask(question)).not.toMatch(/^a /);
  await one.restart();
  expect(await one.probe.ask(question)).toMatch(/^a /);
  await lab.setServices([bothProtocols([a.address])]);
  expect(await answers(lab.host(2).probe, 10)).toEqual(["a"]);
});

test("a UDP flow whose endpoint left while no agent looked moves on with the first map of the next", async () => {
  const flow = { protocol: "udp" as const, host: VIP, port: 80, fromPort: 20_002, timeoutMs: 500 };
  await lab.setServices([bothProtocols([a.address])]);
  expect(await b.probe.ask(flow)).toMatch(/^a /);
  await lab.host(1).restart();
  await lab.setServices([bothProtocols([c.address])]);
  expect(await b.probe.ask(flow)).toMatch(/^c /);
});

test("the host's owner can refuse before Tallship translates, and keeps that over a restart", async () => {
  await lab.setServices([bothProtocols([c.address])]);
  const one = lab.host(1);
  await one.namespace.run(`nft add rule inet tallship-owner prerouting ip saddr ${a.address} ip daddr ${VIP} drop`);
  const question = { host: VIP, port: 80, timeoutMs: 200 };
  expect(await a.probe.ask(question)).toBe("TIMEOUT");
  expect(await b.probe.ask(question)).toMatch(/^c /);
  await one.restart();
  await lab.setServices([bothProtocols([a.address])]);
  expect(await a.probe.ask(question)).toBe("TIMEOUT");
  await one.namespace.run("nft flush chain inet tallship-owner prerouting");
});

// What people do by hand, and a way to see that it is mended: everything of the path works again.
const damages = [
  "ip link delete tallship0",
  "ip neighbour flush dev tallship0 nud permanent",
  "for mac in $(bridge fdb show dev tallship0 | cut -d' ' -f1); do bridge fdb del $mac dev tallship0; done",
  "ip route flush proto 84",
  "ip link set tallship0 down",
  "nft flush ruleset",
  "nft delete table inet tallship",
  "nft flush map inet tallship service-endpoints",
  "nft flush chain inet tallship postrouting",
  "sysctl -qw net.ipv4.ip_forward=0",
  "for dev in $(ip -o link show group 7453 | cut -d: -f2 | cut -d@ -f1); do ip link delete $dev; done",
];
for (const damage of damages) {
  test(`mended: ${damage}`, async () => {
    await lab.setServices([bothProtocols([c.address])]);
    // Until policies are known what a former agent made of the firewall is not made anew.
    await lab.setPolicies(new PolicyWorld());
    expect(await lab.host(1).damage(damage)).toBeGreaterThan(0);
    expect(await a.probe.ask({ host: VIP, port: 80 })).toBe(`c ${a.address}`);
    expect(await lab.stranger.ask({ host: lab.host(1).address, port: 30_080 })).toBe("c 192.168.9.100");
    expect(await lab.host(1).network.repair()).toBe(0);
  });
}

test("what is damaged is mended without being asked", async () => {
  await lab.setServices([bothProtocols([c.address])]);
  await lab.host(1).namespace.run("ip link delete tallship0; nft flush ruleset");
  const question = { host: VIP, port: 80, timeoutMs: 300 };
  const isMended = async (): Promise<boolean> => (await a.probe.ask(question)) === `c ${a.address}`;
  await waitFor("the damage to be mended", isMended, { deadlineMs: 15_000, everyMs: 100 });
});
