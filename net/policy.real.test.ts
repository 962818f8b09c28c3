import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab, type Probe } from "../test/kit/network-lab.js";
import { PolicyWorld } from "../test/kit/policy-world.js";
import { waitFor } from "../test/kit/wait.js";

// Two hosts; pods a and b on the first, c on the second, all of namespace default. Each serves TCP and UDP 8080 and TCP 9090.
let lab: Lab;
let a: LabPod;
let b: LabPod;
let c: LabPod;
let world: PolicyWorld;

beforeAll(async () => {
  lab = await makeLab(2);
  await lab.setServices([]);
  a = await lab.host(1).pod("a", 9);
  b = await lab.host(1).pod("b", 10);
  c = await lab.host(2).pod("c", 9);
  for (const { probe } of [a, b, c]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
    await probe.serve("tcp", 9090);
  }
  for (const { probe } of lab.hosts) await probe.serve("tcp", 8080);
  await lab.stranger.serve("tcp", 8080);
});
afterAll(() => lab.dispose());

beforeEach(async () => {
  world = new PolicyWorld();
  world.namespace("default");
  for (const [pod, node] of [
    [a, "node-1"],
    [b, "node-1"],
    [c, "node-2"],
  ] as const)
    world.pod({
      name: `default/${pod.uid}`,
      node,
      address: pod.address,
      labels: { name: pod.uid },
      ports: { web: pod === c ? 9090 : 8080 },
    });
  await lab.setPolicies(world);
});

const only = (name: string) => ({ matchLabels: { name } });
const tcp = (port: number) => ({ protocol: "TCP", port: { value: { $case: "intVal", value: port } as const } });
const named = (name: string) => ({ protocol: "TCP", port: { value: { $case: "strVal", value: name } as const } });
/** Whether a connection comes about; one that should not is not waited for long. */
const reaches = async (
  from: Probe,
  host: string,
  { port = 8080, protocol = "tcp", wants = true }: { port?: number; protocol?: "tcp" | "udp"; wants?: boolean } = {},
): Promise<boolean> => {
  const said = await from.ask({ protocol, host, port, ...(!wants && { timeoutMs: 400 }) });
  if (said === "TIMEOUT") return false;
  expect(said).toMatch(/ /);
  return true;
};
/** Whether b does, which should, and c, which should not. */
const whoReachesA = async (): Promise<readonly boolean[]> => [
  await reaches(b.probe, a.address),
  await reaches(c.probe, a.address, { wants: false }),
];

test("without policies everything is reached; denied, nothing is, by TCP and UDP, from the same host and another", async () => {
  expect(await reaches(b.probe, a.address)).toBe(true);
  world.policy("default/deny", { podSelector: only("a") });
  await lab.setPolicies(world);
  for (const from of [b.probe, c.probe])
    for (const protocol of ["tcp", "udp"] as const)
      expect(await reaches(from, a.address, { protocol, wants: false })).toBe(false);
  expect(await reaches(c.probe, b.address)).toBe(true);
  // What the denied pod asks itself is answered: the policy is about what comes in.
  expect(await reaches(a.probe, c.address)).toBe(true);
  expect(await reaches(a.probe, c.address, { protocol: "udp" })).toBe(true);
});

test("a pod that is denied everything is still reached by its own node, and reaches itself", async () => {
  world.policy("default/deny", { podSelector: {}, policyTypes: ["Ingress", "Egress"] });
  await lab.setPolicies(world);
  expect(await reaches(lab.host(1).probe, a.address)).toBe(true);
  expect(await reaches(a.probe, lab.host(1).address)).toBe(true);
  expect(await reaches(a.probe, a.address)).toBe(true);
  expect(await reaches(lab.host(2).probe, a.address, { wants: false })).toBe(false);
  expect(await reaches(a.probe, lab.host(2).address, { wants: false })).toBe(false);
  expect(await reaches(a.probe, b.address, { wants: false })).toBe(false);
});

// Each row is one policy for pod a; who gets through to it afterwards.
const rows: readonly {
  readonly name: string;
  readonly ingress: Parameters<PolicyWorld["policy"]>[1]["ingress"];
  readonly b: boolean;
  readonly c: boolean;
  readonly port?: number;
}[] = [
  { name: "one pod by its label", ingress: [{ from: [{ podSelector: only("c") }] }], b: false, c: true },
  { name: "another namespace", ingress: [{ from: [{ namespaceSelector: only("x") }] }], b: false, c: false },
  { name: "a block without a hole", ingress: [{ from: [{ ipBlock: { cidr: "10.128.0.0/16" } }] }], b: true, c: true },
  {
    name: "a block with a hole",
    ingress: [{ from: [{ ipBlock: { cidr: "10.128.0.0/16", except: ["10.128.2.0/24"] } }] }],
    b: true,
    c: false,
  },
  { name: "another port", ingress: [{ ports: [tcp(9090)] }], b: false, c: false },
  { name: "that port", ingress: [{ ports: [tcp(9090)] }], b: true, c: true, port: 9090 },
  { name: "a range that ends with it", ingress: [{ ports: [{ ...tcp(8000), endPort: 8080 }] }], b: true, c: true },
  { name: "a range that ends before it", ingress: [{ ports: [{ ...tcp(8000), endPort: 8079 }] }], b: false, c: false },
  { name: "the port by its name", ingress: [{ ports: [named("web")] }], b: true, c: true },
  { name: "another port than the named", ingress: [{ ports: [named("web")] }], b: false, c: false, port: 9090 },
  {
    name: "a pod and a port together",
    ingress: [{ from: [{ podSelector: only("b") }], ports: [tcp(8080)] }, { ports: [tcp(9090)] }],
    b: true,
    c: false,
  },
];
for (const { name, ingress = [], port, ...wants } of rows) {
  test(`incoming: ${name}`, async () => {
    world.policy("default/one", { podSelector: only("a"), ingress });
    await lab.setPolicies(world);
    expect(await reaches(b.probe, a.address, { port, wants: wants.b })).toBe(wants.b);
    expect(await reaches(c.probe, a.address, { port, wants: wants.c })).toBe(wants.c);
  });
}

test("outgoing: what a pod sends is held by its own node, named ports by the receiver's number", async () => {
  const egress = [{ to: [{ podSelector: {} }], ports: [named("web")] }];
  world.policy("default/one", { podSelector: only("a"), policyTypes: ["Egress"], egress });
  await lab.setPolicies(world);
  expect(await reaches(a.probe, c.address, { port: 9090 })).toBe(true);
  expect(await reaches(a.probe, c.address, { wants: false })).toBe(false);
  expect(await reaches(a.probe, b.address)).toBe(true);
  expect(await reaches(a.probe, "192.168.9.100", { wants: false })).toBe(false);
  expect(await reaches(c.probe, a.address)).toBe(true);
});

test("policies add up, and both ends must let a connection through", async () => {
  world.policy("default/in-b", { podSelector: only("a"), ingress: [{ from: [{ podSelector: only("b") }] }] });
  world.policy("default/in-c", { podSelector: only("a"), ingress: [{ from: [{ podSelector: only("c") }] }] });
  world.policy("default/out-c", { podSelector: only("c"), policyTypes: ["Egress"] });
  await lab.setPolicies(world);
  expect(await reaches(b.probe, a.address)).toBe(true);
  expect(await reaches(c.probe, a.address, { wants: false })).toBe(false);
  world.dropPolicy("default/out-c");
  await lab.setPolicies(world);
  expect(await reaches(c.probe, a.address)).toBe(true);
});

test("a service is judged by the endpoint that it leads to, and a pod behind its own service by nothing", async () => {
  await lab.setServices([
    { name: "web", clusterIP: "10.96.1.1", ports: [{ port: 80, targetPort: 8080 }], endpoints: [a.address] },
  ]);
  world.policy("default/in", {
    podSelector: only("a"),
    ingress: [{ from: [{ podSelector: only("b") }], ports: [tcp(8080)] }],
  });
  world.policy("default/out", {
    podSelector: {},
    policyTypes: ["Egress"],
    egress: [{ to: [{ podSelector: only("a") }], ports: [tcp(8080)] }],
  });
  await lab.setPolicies(world);
  expect(await reaches(b.probe, "10.96.1.1", { port: 80 })).toBe(true);
  expect(await reaches(c.probe, "10.96.1.1", { port: 80, wants: false })).toBe(false);
  expect(await reaches(a.probe, "10.96.1.1", { port: 80 })).toBe(true);
});

test("a connection that goes on is cut at once when it comes to be forbidden, and lives on when it does not", async () => {
  for (const from of [b, c]) await from.probe.open({ host: a.address, port: 8080 });
  expect([await b.probe.talk(), await c.probe.talk()]).toEqual(["TALKED", "TALKED"]);
  world.policy("default/one", { podSelector: only("a"), ingress: [{ from: [{ podSelector: only("b") }] }] });
  await lab.setPolicies(world);
  expect(await c.probe.talk()).toBe("ECONNRESET");
  expect(await b.probe.talk()).toBe("TALKED");
  world.pod({ name: "default/b", node: "node-1", address: b.address, labels: { name: "other" } });
  await lab.setPolicies(world);
  expect(await b.probe.talk()).toBe("ECONNRESET");
});

test("what the pod's own host says to it goes on, also by a service that leads to another by now", async () => {
  const web = (...endpoints: readonly string[]) => [
    { name: "web", clusterIP: "10.96.1.1", ports: [{ port: 80, targetPort: 8080 }], endpoints },
  ];
  await lab.setServices(web(a.address));
  await lab.host(1).probe.open({ host: "10.96.1.1", port: 80 });
  await c.probe.open({ host: a.address, port: 8080 });
  await lab.setServices(web(`!${a.address}`, b.address));
  world.policy("default/one", { podSelector: only("a"), ingress: [{ from: [{ podSelector: only("b") }] }] });
  await lab.setPolicies(world);
  expect(await c.probe.talk()).toBe("ECONNRESET");
  expect(await lab.host(1).probe.talk()).toBe("TALKED");
});

test("a flow of UDP is cut too", async () => {
  const flow = { protocol: "udp" as const, host: a.address, port: 8080, fromPort: 20_002, timeoutMs: 400 };
  expect(await c.probe.ask(flow)).toMatch(/^a /);
  world.policy("default/one", { podSelector: only("a") });
  await lab.setPolicies(world);
  expect(await c.probe.ask(flow)).toBe("TIMEOUT");
});

test("a new pod is closed from its first packet on, and its node waits until it knows how", async () => {
  const one = lab.host(1);
  world.policy("default/one", { podSelector: only("new") });
  const fresh = await one.pod("new", 77);
  const until = new AbortController();
  let isFirewalled = false;
  const firewalled = one.network.firewalled("new", until.signal).then(() => {
    isFirewalled = true;
  });
  await one.network.repair();
  expect(isFirewalled).toBe(false);
  world.pod({ name: "default/new", node: "node-1", address: "", labels: { name: "new" } });
  await lab.setPolicies(world);
  await firewalled;
  await fresh.probe.serve("tcp", 8080);
  expect(await reaches(b.probe, fresh.address, { wants: false })).toBe(false);
  await one.network.detach(["new"]);
  world.dropPod("default/new");
});

test("policies survive the death of what programs them; its successor takes them over without opening anything", async () => {
  const one = lab.host(1);
  world.policy("default/one", { podSelector: only("a"), ingress: [{ from: [{ podSelector: only("b") }] }] });
  await lab.setPolicies(world);
  await one.network.stop();
  expect(await whoReachesA()).toEqual([true, false]);
  await one.restart();
  expect(await whoReachesA()).toEqual([true, false]);
  await lab.setServices([]);
  await lab.setPolicies(world);
  expect(await whoReachesA()).toEqual([true, false]);
});

// What people do by hand; everything is closed and open again as before.
const damages = [
  "nft flush ruleset",
  "nft delete table inet tallship-firewall",
  "nft flush map inet tallship-firewall ingress-pods",
  "nft flush chain inet tallship-firewall ingress",
];
for (const damage of damages) {
  test(`mended: ${damage}`, async () => {
    const one = lab.host(1);
    world.policy("default/one", { podSelector: only("a"), ingress: [{ from: [{ podSelector: only("b") }] }] });
    await lab.setPolicies(world);
    await one.namespace.run(damage);
    // The periodic look may have been first.
    await one.network.repair();
    expect(await whoReachesA()).toEqual([true, false]);
    expect(await one.network.repair()).toBe(0);
  });
}

test("a table that is gone is mended without being asked", async () => {
  world.policy("default/one", { podSelector: only("a") });
  await lab.setPolicies(world);
  await lab.host(1).namespace.run("nft delete table inet tallship-firewall");
  const isMended = async (): Promise<boolean> => !(await reaches(b.probe, a.address, { wants: false }));
  await waitFor("the firewall to be mended", isMended, { deadlineMs: 15_000, everyMs: 100 });
});

test("when the last policy goes, nothing of it stays in the kernel", async () => {
  world.policy("default/one", {
    podSelector: {},
    ingress: [{ from: [{ podSelector: only("b") }], ports: [named("web")] }],
  });
  await lab.setPolicies(world);
  world.dropPolicy("default/one");
  await lab.setPolicies(world);
  const listed = await lab.host(1).namespace.run("nft list table inet tallship-firewall");
  expect(listed.match(/(?:chain|set|map) (?:allow|pods|ports)-\S+/g) ?? []).toEqual([]);
  expect(await reaches(c.probe, a.address)).toBe(true);
});
