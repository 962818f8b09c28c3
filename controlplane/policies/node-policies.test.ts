import { expect, test } from "vitest";
import { Network } from "../../proto/gen/tallship/v1/network.js";
import { PolicyWorld } from "../../test/kit/policy-world.js";

const web = { matchLabels: { app: "web" } };

function newWorld(): PolicyWorld {
  const world = new PolicyWorld();
  world.namespace("a", { team: "red" });
  world.namespace("b", { team: "blue" });
  world.pod({ name: "a/web", node: "one", address: "10.0.0.1", labels: { app: "web" }, ports: { http: 8080 } });
  world.pod({ name: "a/db", node: "two", address: "10.0.1.1", labels: { app: "db" }, ports: { http: 9090 } });
  world.pod({ name: "b/web", node: "two", address: "10.0.1.2", labels: { app: "web" }, change: { uid: "b-web" } });
  return world;
}

test("a node hears of its own pods, of the policies that select them, and of the sets that those name, and no more", () => {
  const world = newWorld();
  world.policy("a/web-from-db", {
    podSelector: web,
    ingress: [{ from: [{ podSelector: { matchLabels: { app: "db" } } }] }],
  });
  world.policy("b/none", { podSelector: {} });
  const one = world.knownTo("one");
  expect([...one.pods.values()]).toEqual([{ uid: "web", ingress: ["a/web-from-db"], egress: [] }]);
  expect([...one.policies.keys()]).toEqual(["a/web-from-db"]);
  expect([...one.sets.values()].map((set) => [...set])).toEqual([["10.0.1.1"]]);
  const two = world.knownTo("two");
  expect([...two.policies.keys()]).toEqual(["b/none"]);
  expect(two.sets.size).toBe(0);
});

test("a pod without policies is named too: its node waits for that", () => {
  const world = newWorld();
  expect([...world.knownTo("one").pods.keys()]).toEqual(["web"]);
  world.pod({ name: "a/new", node: "one", address: "" });
  expect([...world.knownTo("one").pods.keys()]).toEqual(["web", "new"]);
  world.dropPod("a/new");
  expect([...world.knownTo("one").pods.keys()]).toEqual(["web"]);
});

test("pods on the host's network and finished ones are in no set, and a node is not told of them", () => {
  const world = newWorld();
  world.policy("a/from-all", { ingress: [{ from: [{ podSelector: {}, namespaceSelector: {} }] }] });
  world.pod({ name: "a/host", node: "one", address: "192.168.9.1", change: { hostNetwork: true } });
  world.pod({ name: "a/done", node: "one", address: "10.0.0.9", change: { phase: "Succeeded" } });
  const { pods, sets } = world.knownTo("one");
  expect([...pods.keys()]).toEqual(["web"]);
  expect([...sets.values()].flatMap((set) => [...set]).sort()).toEqual(["10.0.0.1", "10.0.1.1", "10.0.1.2"]);
});

test("one pod more or less is one member of a set, not the set", () => {
  const world = newWorld();
  world.policy("a/from-all", { ingress: [{ from: [{ podSelector: {} }] }] });
  world.knownTo("one");
  world.pod({ name: "a/new", node: "two", address: "10.0.1.7" });
  const update = world.policies.next("one");
  expect(update).toMatchObject({ isWhole: false, hasMore: false, pods: [], policies: [] });
  expect(update?.sets.map(({ added, removed }) => [added, removed])).toEqual([[["10.0.1.7"], []]]);
  world.dropPod("a/new");
  expect(world.policies.next("one")?.sets.map(({ removed }) => removed)).toEqual([["10.0.1.7"]]);
  world.pod({ name: "b/new", node: "two", address: "10.0.1.8" });
  expect(world.policies.next("one")).toBeUndefined();
});

test("who leaves a set while its policy is away is in it no more when the policy comes back before the node was told", () => {
  const world = newWorld();
  const fromAll = (): void => world.policy("a/from-all", { ingress: [{ from: [{ podSelector: {} }] }] });
  fromAll();
  expect([...world.knownTo("one").sets.values()].flatMap((set) => [...set])).toEqual(["10.0.0.1", "10.0.1.1"]);
  world.dropPolicy("a/from-all");
  world.dropPod("a/db");
  fromAll();
  expect([...world.knownTo("one").sets.values()].flatMap((set) => [...set])).toEqual(["10.0.0.1"]);
});

test("an address that one pod gives up to another stays in the set, whichever is heard of first", () => {
  const world = newWorld();
  world.policy("a/from-all", { ingress: [{ from: [{ podSelector: {} }] }] });
  world.pod({ name: "a/new", node: "two", address: "10.0.1.1" });
  world.dropPod("a/db");
  const [set] = world.knownTo("one").sets.values();
  expect([...(set ?? [])].sort()).toEqual(["10.0.0.1", "10.0.1.1"]);
});

test("what another node says of an address is no word of a rule", () => {
  const world = newWorld();
  world.policy("a/from-all", { ingress: [{ from: [{ podSelector: {} }] }] });
  world.pod({ name: "a/evil", node: "two", address: "0.0.0.0/0, 10.9.9.9" });
  const members = [...world.knownTo("one").sets.values()].flatMap((set) => [...set]);
  expect(members.sort()).toEqual(["10.0.0.1", "10.0.1.1"]);
});

test("a node speaks for addresses of its own subnet alone", () => {
  const world = new PolicyWorld();
  world.node("two", "10.0.1.0/24");
  world.pod({ name: "a/web", node: "one", address: "10.0.0.1" });
  world.policy("a/from-all", { ingress: [{ from: [{ podSelector: {} }] }] });
  world.pod({ name: "a/own", node: "two", address: "10.0.1.9" });
  world.pod({ name: "a/stolen", node: "two", address: "10.0.0.7" });
  const members = [...world.knownTo("one").sets.values()].flatMap((set) => [...set]);
  expect(members.sort()).toEqual(["10.0.0.1", "10.0.1.9"]);
});

test("many members come in several messages, and count with the last", () => {
  const world = newWorld();
  world.policy("a/from-all", { ingress: [{ from: [{ podSelector: {} }] }] });
  for (let at = 0; at < 12_000; at += 1)
    world.pod({ name: `a/p-${at}`, node: "two", address: `10.1.${at >> 8}.${at & 255}` });
  world.connect("one");
  const updates = [];
  for (let next = world.policies.next("one"); next !== undefined; next = world.policies.next("one")) updates.push(next);
  expect(updates.map(({ isWhole }) => isWhole)).toEqual([true, false, false, false]);
  expect(updates.map(({ hasMore }) => hasMore)).toEqual([true, true, true, false]);
  expect(updates.flatMap(({ sets }) => sets).reduce((sum, { added }) => sum + added.length, 0)).toBe(12_002);
});

test("a pod's second address is a member where its node has the subnet, and only there", () => {
  const world = new PolicyWorld();
  world.namespace("shop");
  world.node("one", "10.128.0.0/22", "fd00:10:128::/64");
  world.node("two", "10.128.4.0/22");
  world.pod({ name: "shop/a", node: "one", address: "10.128.0.9", ipv6: "fd00:10:128::a80:9", ports: { web: 80 } });
  world.pod({ name: "shop/b", node: "two", address: "10.128.4.9", ipv6: "fd00:10:128::a80:409", ports: { web: 80 } });
  const web = { protocol: "TCP", port: { value: { $case: "strVal", value: "web" } as const } };
  world.policy("shop/web", { ingress: [{ from: [{ podSelector: {} }], ports: [web] }] });
  const members = [...world.knownTo("one").sets.values()].flatMap((set) => [...set]).sort();
  expect(members).toEqual([
    "10.128.0.9",
    "10.128.0.9/TCP/80",
    "10.128.4.9",
    "10.128.4.9/TCP/80",
    "fd00:10:128::a80:9",
    "fd00:10:128::a80:9/TCP/80",
  ]);
});

test("on a network a pod is known by its addresses of both families where its node has the share, and only there", () => {
  const world = newWorld();
  world.node("two", "10.0.1.0/24", "fd00:1::/64");
  const spec = { subnet: "10.64.0.0/24", subnets: ["10.64.0.0/24", "fd00:64::/64"] };
  const slices = [
    { nodeName: "one", cidr: "10.64.0.0/26" },
    { nodeName: "two", cidr: "10.64.0.64/26" },
  ];
  const back = Network.fromPartial({ metadata: { namespace: "a", name: "back" }, spec, status: { slices } });
  world.put({ kind: "Network", object: back });
  world.policy("a/from-db", { ingress: [{ from: [{ podSelector: { matchLabels: { app: "db" } } }] }] });
  const members = (address: string, ipv6: string): readonly string[] => {
    world.pod({ name: "a/db", node: "two", address, ipv6, labels: { app: "db" } });
    return [...world.knownTo("one").sets.values()].flatMap((set) => [...set]).sort();
  };
  expect(members("10.64.0.66", "fd00:64::a40:42")).toEqual(["10.64.0.66", "fd00:64::a40:42"]);
  // Of the other node's share, and of nobody's.
  expect(members("10.64.0.66", "fd00:64::a40:2")).toEqual(["10.64.0.66"]);
  expect(members("10.64.0.2", "fd00:64:1::a40:42")).toEqual([]);
});
