import fc from "fast-check";
import { expect, test } from "vitest";
import { PolicyWorld } from "../../test/kit/policy-world.js";
import type { TrackedFlow } from "../kernel/kernel.js";
import { SimulatedKernel } from "../kernel/simulated-kernel.js";
import type { SeenNetwork } from "../networks/seen-network.js";
import { peerEntries } from "../overlay/overlay-plan.js";
import { type FirewalledPod, FirewallPlanner } from "./firewall-plan.js";
import { FirewallSync, type KnownWorld } from "./firewall-sync.js";
import { NO_POLICIES, type PolicyMap } from "./policy-map.js";

const frame = {
  vxlanPort: 4789,
  internalPorts: [7446],
  probePort: 7447,
  clusterCIDR: "10.0.0.0/16",
  podCIDR: "10.0.0.0/24",
  encrypted: false,
  serviceCIDR: "10.96.0.0/12",
  vni: 4242,
};
const overlay = peerEntries(
  { name: "b", podCIDR: "10.0.1.0/24", gateway: "10.0.1.1", vtepMac: "02:00:00:00:00:02", underlayIp: "192.168.9.2" },
  "10.0.0.1",
);
const pod = (uid: string, address: string, reachesInternals = false): FirewalledPod => ({
  uid,
  addresses: [address],
  reachesInternals,
});
const WEB = "10.0.0.9";
const web = pod("web", WEB);
const only = (name: string) => ({ matchLabels: { name } });

function leader(): PolicyWorld {
  const world = new PolicyWorld();
  world.pod({ name: "a/web", node: "one", address: "10.0.0.9", labels: { name: "web" } });
  world.pod({ name: "a/api", node: "two", address: "10.0.1.9", labels: { name: "api" } });
  world.policy("a/in", { podSelector: only("web"), ingress: [{ from: [{ podSelector: only("api") }] }] });
  return world;
}

const at = (
  policies: PolicyMap | undefined,
  pods: readonly FirewalledPod[] = [web],
): KnownWorld & { readonly networks: readonly SeenNetwork[] } => ({
  policies,
  pods,
  overlay,
  hosts: ["192.168.9.1", "192.168.9.2"],
  own: new Set(["192.168.9.1", "10.0.0.1"]),
  networks: [],
});
const tcp = (from: string, to: string): TrackedFlow => {
  return { protocol: "tcp", from, to, port: 80, sentTo: to, fromPort: 40_000, sentToPort: 80 };
};
const elements = (kernel: SimulatedKernel, set: string): readonly string[] =>
  [...(kernel.firewall.table?.sets.get(set)?.elements ?? [])].map(([key, value]) => `${key} ${value}`.trim());

test("the overlay's entries say which host sends for which subnet", async () => {
  const kernel = new SimulatedKernel([]);
  await new FirewallSync(frame, kernel).bring(at(NO_POLICIES, [web, pod("scraper", "10.0.0.8", true)]));
  expect(elements(kernel, "tunnels")).toEqual(["192.168.9.2 . 0xa000100-0xa0001ff"]);
  expect(elements(kernel, "gateways")).toEqual(["10.0.1.1"]);
  expect(elements(kernel, "hosts")).toEqual(["192.168.9.1", "192.168.9.2"]);
  expect(elements(kernel, "insiders")).toEqual(["10.0.0.8"]);
});

test("of packets of IPv6 it is told by all of the sender's address which host sends them", async () => {
  const kernel = new SimulatedKernel([]);
  const mac = "02:00:00:00:00:02";
  const led = (device: string, via: string, subnet: string) =>
    [
      { table: "neigh", device, ip: via, mac },
      { table: "route", device, subnet, via, source: "fd00:1::1" },
    ] as const;
  const six = [
    ...led("tallship0", "fd00:10:128:1::1", "fd00:10:128:1::/64"),
    ...led("tsnback", "fd00:64::a40:41", "fd00:64::a40:40/122"),
  ];
  const world = { ...at(NO_POLICIES), overlay: [...overlay, ...six] };
  await new FirewallSync({ ...frame, ipv6: { clusterCIDR: "fd00:10:128::/48" } }, kernel).bring(world);
  expect(elements(kernel, "tunnels-ipv6")).toEqual([
    "192.168.9.2 . 0xfd000010012800010000000000000000-0xfd00001001280001ffffffffffffffff",
    "192.168.9.2 . 0xfd00006400000000000000000a400040-0xfd00006400000000000000000a40007f",
  ]);
  const own = { clusterCIDR: "fd00:10:128::/48", podCIDR: "fd00:10:128::/64", serviceCIDR: "fd00:10:96::/108" };
  await new FirewallSync({ ...frame, ...own, family: "IPv6" }, kernel).bring(world);
  expect(elements(kernel, "gateways")).toEqual(["fd00:10:128:1::1", "fd00:64::a40:41"]);
});

test("pods that the same policies select share a chain, and policies with the same rules too", async () => {
  const world = leader();
  world.pod({ name: "a/web2", node: "one", address: "10.0.0.10", labels: { name: "web" } });
  world.policy("a/in-again", { podSelector: only("web"), ingress: [{ from: [{ podSelector: only("api") }] }] });
  const table = new FirewallPlanner(frame).plan({
    ...at(undefined, [web, pod("web2", "10.0.0.10")]),
    policies: world.knownTo("one"),
  });
  const verdicts = [...(table.sets.get("ingress-pods")?.elements.values() ?? [])];
  expect(new Set(verdicts).size).toBe(1);
  const own = [...table.chains].filter(([, { hook }]) => hook === "").filter(([name]) => /^(allow|pods)-/.test(name));
  expect(own.length).toBe(2);
});

test("until policies are known a former agent's table stands; without one there is a table at once", async () => {
  const kernel = new SimulatedKernel([]);
  await new FirewallSync(frame, kernel).bring(at(leader().knownTo("one")));
  const before = kernel.firewall.table;
  const successor = new FirewallSync(frame, kernel);
  await successor.bring(at(undefined));
  expect(kernel.firewall.table).toBe(before);
  expect(successor.covers("web")).toBe(false);
  await kernel.firewall.flush();
  await successor.bring(at(undefined));
  expect(await kernel.hasFirewall()).toBe(true);
});

test("a pod is covered once the kernel holds it and the leader has named it, whichever comes first", async () => {
  const sync = new FirewallSync(frame, new SimulatedKernel([]));
  const map = leader().knownTo("one");
  await sync.bring(at(map, []));
  expect(sync.covers("web")).toBe(false);
  await sync.bring(at(map));
  expect(sync.covers("web")).toBe(true);
  await sync.bring(at(NO_POLICIES));
  expect(sync.covers("web")).toBe(false);
});

// Each row forbids what was let through, in its own way; the connection of the pod that is still let in stays.
const cuts: readonly { readonly name: string; readonly change: (world: PolicyWorld) => void }[] = [
  {
    name: "a policy has another rule",
    change: (world) =>
      world.policy("a/in", { podSelector: only("web"), ingress: [{ from: [{ podSelector: only("x") }] }] }),
  },
  {
    name: "the peer has another label",
    change: (world) => world.pod({ name: "a/api", node: "two", address: "10.0.1.9", labels: { name: "other" } }),
  },
  { name: "the peer is gone", change: (world) => world.dropPod("a/api") },
];
for (const { name, change } of cuts) {
  test(`connections are cut when ${name}`, async () => {
    const kernel = new SimulatedKernel([]);
    const sync = new FirewallSync(frame, kernel);
    const world = leader();
    world.policy("a/always", {
      podSelector: only("web"),
      ingress: [{ from: [{ ipBlock: { cidr: "203.0.113.0/24" } }] }],
    });
    const [forbidden, stays] = [tcp("10.0.1.9", WEB), tcp("203.0.113.5", WEB)];
    kernel.firewall.flows = [forbidden, stays];
    await sync.bring(at(world.knownTo("one")));
    expect(kernel.firewall.flows).toEqual([forbidden, stays]);
    change(world);
    await sync.bring(at(world.knownTo("one")));
    expect(kernel.firewall.flows).toEqual([stays]);
  });
}

test("connections of the pod's own host are never cut: no policy is asked about them, and translated ones would be led elsewhere", async () => {
  const kernel = new SimulatedKernel([]);
  const sync = new FirewallSync(frame, kernel);
  const world = leader();
  await sync.bring(at(world.knownTo("one")));
  const own = ["10.0.0.1", "192.168.9.1", "127.0.0.1"].map((host) => ({ ...tcp(host, WEB), sentTo: "10.96.1.1" }));
  const toHost = { ...tcp(WEB, "192.168.9.1"), sentTo: "10.96.0.1" };
  kernel.firewall.flows = [...own, toHost, tcp("192.168.9.2", WEB)];
  world.dropPod("a/api");
  world.policy("a/out", { podSelector: only("web"), policyTypes: ["Egress"] });
  await sync.bring(at(world.knownTo("one")));
  expect(kernel.firewall.flows).toEqual([...own, toHost]);
});

test("an address that passes to another pod takes no connection along", async () => {
  const kernel = new SimulatedKernel([]);
  const sync = new FirewallSync(frame, kernel);
  const world = leader();
  world.pod({ name: "a/new", node: "one", address: "", labels: { name: "web" } });
  world.policy("a/open", { podSelector: only("web"), ingress: [{}] });
  await sync.bring(at(world.knownTo("one")));
  kernel.firewall.flows = [tcp("10.0.1.9", WEB)];
  world.dropPolicy("a/open");
  world.policy("a/in", { podSelector: only("web") });
  await sync.bring(at(world.knownTo("one"), [pod("new", WEB)]));
  expect(kernel.firewall.flows).toEqual([]);
});

test("what is cut is cut even when the kernel refused the change at first", async () => {
  const kernel = new SimulatedKernel([]);
  const sync = new FirewallSync(frame, kernel);
  const world = leader();
  await sync.bring(at(world.knownTo("one")));
  kernel.firewall.flows = [tcp("10.0.1.9", WEB)];
  world.dropPod("a/api");
  kernel.refuse(1);
  await expect(sync.bring(at(world.knownTo("one")))).rejects.toMatchObject({ code: "kernel_failed" });
  await sync.bring(at(world.knownTo("one")));
  expect(kernel.firewall.flows).toEqual([]);
});

// What others do to the table; a repair sees it and puts everything back.
const damages: readonly { readonly name: string; readonly harm: (kernel: SimulatedKernel) => void }[] = [
  { name: "the ruleset is flushed", harm: (kernel) => kernel.flushRuleset() },
  { name: "a map is flushed", harm: (kernel) => kernel.firewall.flushSet("ingress-pods") },
];
for (const { name, harm } of damages) {
  test(`mended: ${name}`, async () => {
    const kernel = new SimulatedKernel([]);
    const sync = new FirewallSync(frame, kernel);
    await sync.bring(at(leader().knownTo("one")));
    const before = elements(kernel, "ingress-pods");
    expect(await sync.repair("deep")).toBe(0);
    harm(kernel);
    expect(await sync.repair("deep")).toBeGreaterThan(0);
    expect(elements(kernel, "ingress-pods")).toEqual(before);
  });
}

const step = fc.oneof(
  fc.record({
    do: fc.constant("policy" as const),
    at: fc.nat(3),
    from: fc.constantFrom("web", "api"),
    has: fc.boolean(),
  }),
  fc.record({ do: fc.constant("pod" as const), at: fc.nat(3), has: fc.boolean() }),
  fc.record({ do: fc.constant("refuse" as const), at: fc.nat(1) }),
  fc.record({ do: fc.constant("flush" as const), at: fc.nat(1) }),
);

test("whatever changes, fails and is flushed, the kernel ends with exactly the planned table", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const kernel = new SimulatedKernel([]);
      const sync = new FirewallSync(frame, kernel);
      const world = leader();
      let pods: readonly FirewalledPod[] = [web];
      for (const one of steps) {
        const name = `p${one.at}`;
        const own = pod(name, `10.0.0.${20 + one.at}`);
        if (one.do === "refuse") kernel.refuse(1);
        else if (one.do === "flush") kernel.flushRuleset();
        else if (one.do === "pod") {
          pods = [...pods.filter(({ uid }) => uid !== name), ...(one.has ? [own] : [])];
          world.pod({ name: `a/${name}`, node: "one", address: own.addresses[0] ?? "", labels: { name: "web" } });
        } else if (one.has) world.policy(`a/${name}`, { ingress: [{ from: [{ podSelector: only(one.from) }] }] });
        else world.dropPolicy(`a/${name}`);
        await sync.bring(at(world.knownTo("one"), pods)).catch(() => undefined);
      }
      kernel.refuse(0);
      await sync.bring(at(world.knownTo("one"), pods)).catch(() => undefined);
      await sync.repair("deep");
      await sync.bring(at(world.knownTo("one"), pods));
      const want = new FirewallPlanner(frame).plan({ ...at(undefined, pods), policies: world.knownTo("one") });
      const sorted = (map: ReadonlyMap<string, unknown> = new Map()): unknown =>
        [...map].sort(([first], [second]) => (first < second ? -1 : 1));
      expect(sorted(kernel.firewall.table?.chains)).toEqual(sorted(want.chains));
      expect(sorted(kernel.firewall.table?.sets)).toEqual(sorted(want.sets));
    }),
    { numRuns: 200, seed: 11 },
  );
});
