import { expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import { conditionOf, isDeleting } from "../../../kinds/pod-state.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import { FakeReports } from "../../../test/kit/fake-reports.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { nodePods } from "./node-pods.js";
import { nodes } from "./nodes.js";

interface NodeWorld {
  readonly world: ControlWorld;
  readonly reports: FakeReports;
}

async function newWorld(names: readonly string[] = []): Promise<NodeWorld> {
  const world = await worldOfTest();
  const reports = new FakeReports(world.clock);
  lead({ world, reports });
  for (const name of names) reports.say(name);
  await reports.pass(500);
  return { world, reports };
}

/** A replica begins to lead: what it knows of nodes are only the reports from now on. */
function lead({ world, reports }: NodeWorld, signal = world.stop.signal): void {
  const parts = { podCIDR: "10.128.0.0/9", nodePrefixLength: 22, leadingSinceMs: world.clock.monotonicMs() };
  world.run([nodes({ reports, ...parts }), nodePods], signal);
}

const nodeIn = ({ world }: NodeWorld, name: string): Node | undefined => world.view.get("Node", "", name);
const readyOf = (all: NodeWorld, name: string) => conditionOf(nodeIn(all, name)?.status?.conditions, "Ready");
const taintsOf = (all: NodeWorld, name: string): readonly string[] =>
  (nodeIn(all, name)?.spec?.taints ?? []).map(({ key, effect }) => `${key.split("/")[1]}:${effect}`);
const podIn = ({ world }: NodeWorld, name: string): Pod | undefined => world.view.get("Pod", "default", name);

async function putPod({ world }: NodeWorld, name: string, nodeName: string, spec: object = {}): Promise<void> {
  const object = Pod.fromPartial({
    metadata: { name, namespace: "default", uid: `uid-${name}` },
    spec: { nodeName, containers: [{ name: "main" }], ...spec },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  });
  await world.put({ kind: "Pod", object });
}

test("a node that says hello gets an object with a subnet of its own, and its own words as status", async () => {
  const all = await newWorld(["b", "a", "c"]);
  const subnets = ["a", "b", "c"].map((name) => nodeIn(all, name)?.spec?.podCIDR);
  expect([...subnets].sort()).toEqual(["10.128.0.0/22", "10.128.4.0/22", "10.128.8.0/22"]);
  expect(nodeIn(all, "a")?.metadata?.labels).toEqual({ "kubernetes.io/hostname": "a" });
  expect(nodeIn(all, "a")?.status?.allocatable["cpu"]).toBe("4");
  expect(readyOf(all, "a")).toMatchObject({ status: "True", reason: "AgentReady" });
});

test("300 nodes at once get 300 subnets, whole transactions at a time", async () => {
  const all = await newWorld();
  const sizes: number[] = [];
  all.world.gate.before = ({ writes }) => {
    sizes.push(writes.length);
    return undefined;
  };
  for (let at = 0; at < 300; at += 1) all.reports.say(`node-${at}`);
  await all.reports.pass(500);
  const list = all.world.view.list("Node");
  expect(new Set(list.map(({ object }) => object.spec?.podCIDR)).size).toBe(300);
  expect(sizes.length).toBeLessThan(10);
});

test("a subnet is kept while the node exists and free once it was deleted", async () => {
  const all = await newWorld(["a", "b"]);
  const before = nodeIn(all, "a")?.spec?.podCIDR;
  all.reports.say("a", { nodeInfo: { bootID: "boot-2" } });
  await all.reports.pass(500);
  expect(nodeIn(all, "a")?.spec?.podCIDR).toBe(before);
  all.reports.kill("b");
  await all.reports.pass(5_000);
  const freed = nodeIn(all, "b")?.spec?.podCIDR;
  await all.world.drop({ kind: "Node", namespace: "", name: "b" });
  await all.reports.pass(1_000);
  all.reports.say("c");
  await all.reports.pass(500);
  expect(nodeIn(all, "c")?.spec?.podCIDR).toBe(freed);
});

test("heartbeats write nothing", async () => {
  const all = await newWorld(["a", "b", "c"]);
  const { revision } = all.world.view;
  await all.reports.pass(30_000);
  expect(all.world.view.revision).toBe(revision);
});

test("a lost node is Unknown after two seconds and its pods with it; after four they are replaced", async () => {
  const all = await newWorld(["a", "b", "c"]);
  await putPod(all, "web", "a");
  await putPod(all, "db", "b");
  all.reports.kill("a");
  await all.reports.pass(1_500);
  expect(readyOf(all, "a")?.status).toBe("True");
  await all.reports.pass(1_000);
  expect(readyOf(all, "a")).toMatchObject({ status: "Unknown", reason: "NodeStatusUnknown" });
  expect(taintsOf(all, "a")).toEqual(["unreachable:NoSchedule"]);
  expect(podIn(all, "web")?.status?.phase).toBe("Unknown");
  expect(conditionOf(podIn(all, "web")?.status?.conditions, "Ready")).toMatchObject({
    status: "False",
    reason: "NodeLost",
  });
  expect(isDeleting(podIn(all, "web") ?? {})).toBe(false);
  await all.reports.pass(2_000);
  expect(taintsOf(all, "a")).toEqual(["unreachable:NoSchedule", "unreachable:NoExecute"]);
  expect(isDeleting(podIn(all, "web") ?? {})).toBe(true);
  expect(podIn(all, "db")?.status?.phase).toBe("Running");
  expect(all.world.notices.map(({ reason }) => reason)).toEqual(["NodeNotReady", "TaintManagerEviction"]);
});

test("a node that is back is ready at once and its taints are gone", async () => {
  const all = await newWorld(["a", "b", "c"]);
  all.reports.kill("a");
  await all.reports.pass(10_000);
  all.reports.say("a");
  await all.reports.pass(500);
  expect(readyOf(all, "a")?.status).toBe("True");
  expect(taintsOf(all, "a")).toEqual([]);
});

test("if most nodes vanish at once nothing is evicted, however long it lasts; when most are back, what is still lost is judged", async () => {
  const all = await newWorld(["a", "b", "c", "d", "e"]);
  for (const name of ["a", "b", "c", "d", "e"]) await putPod(all, `on-${name}`, name);
  all.reports.kill("a", "b", "c");
  await all.reports.pass(60_000);
  for (const name of ["a", "b", "c"]) {
    expect(readyOf(all, name)?.status).toBe("Unknown");
    expect(taintsOf(all, name)).toEqual([]);
    expect(podIn(all, `on-${name}`)?.status?.phase).toBe("Running");
    expect(isDeleting(podIn(all, `on-${name}`) ?? {})).toBe(false);
  }
  all.reports.say("a");
  all.reports.say("b");
  await all.reports.pass(1_000);
  expect(taintsOf(all, "c")).toEqual(["unreachable:NoSchedule", "unreachable:NoExecute"]);
  expect(isDeleting(podIn(all, "on-c") ?? {})).toBe(true);
  for (const name of ["a", "b"]) expect(isDeleting(podIn(all, `on-${name}`) ?? {})).toBe(false);
});

test("a new leader gives every node a full period before it judges, and keeps what the last one did", async () => {
  const world = await worldOfTest();
  const first = { world, reports: new FakeReports(world.clock) };
  const term = new AbortController();
  lead(first, term.signal);
  for (const name of ["a", "b", "c"]) first.reports.say(name);
  first.reports.kill("a");
  await first.reports.pass(10_000);
  expect(taintsOf(first, "a")).toHaveLength(2);
  term.abort();
  const second = { world, reports: new FakeReports(world.clock) };
  lead(second);
  second.reports.say("b");
  await second.reports.pass(1_900);
  expect([readyOf(second, "b")?.status, readyOf(second, "c")?.status]).toEqual(["True", "True"]);
  expect(taintsOf(second, "a")).toHaveLength(2);
  await second.reports.pass(3_000);
  expect([readyOf(second, "b")?.status, readyOf(second, "c")?.status]).toEqual(["True", "Unknown"]);
  expect(taintsOf(second, "c")).toHaveLength(2);
});

test("peers go on reaching a node whose agent begins anew: until its network is up it says nothing of it", async () => {
  const all = await newWorld(["a"]);
  const overlay = { underlayIP: "192.0.2.1", vtepMAC: "02:00:00:00:00:01", mtu: 1_450 };
  all.reports.say("a", { overlay });
  await all.reports.pass(500);
  all.reports.say("a", { nodeInfo: { kubeletVersion: "v2" } });
  await all.reports.pass(500);
  expect(nodeIn(all, "a")?.status).toMatchObject({ nodeInfo: { kubeletVersion: "v2" }, overlay });
  all.reports.say("a", { overlay: { ...overlay, mtu: 1_400 } });
  await all.reports.pass(500);
  expect(nodeIn(all, "a")?.status?.overlay?.mtu).toBe(1_400);
});

test("a node that says it is not ready is believed after a while, and keeps its pods for minutes", async () => {
  const all = await newWorld(["a", "b", "c"]);
  await putPod(all, "web", "a");
  all.reports.say("a", {
    conditions: [{ type: "Ready", status: "False", reason: "NetworkNotReady", message: "no overlay" }],
  });
  await all.reports.pass(500);
  expect(readyOf(all, "a")).toMatchObject({ status: "False", reason: "NetworkNotReady", message: "no overlay" });
  expect(taintsOf(all, "a")).toEqual([]);
  await all.reports.pass(5_000);
  expect(taintsOf(all, "a")).toEqual(["not-ready:NoSchedule"]);
  expect(podIn(all, "web")?.status?.phase).toBe("Running");
  await all.reports.pass(300_000);
  expect(taintsOf(all, "a")).toEqual(["not-ready:NoSchedule", "not-ready:NoExecute"]);
  expect(isDeleting(podIn(all, "web") ?? {})).toBe(true);
});

test("a NoExecute taint evicts what does not tolerate it, now or when its time is over", async () => {
  const all = await newWorld(["a"]);
  const tolerations = (tolerationSeconds?: number) => ({
    tolerations: [{ key: "fire", operator: "Exists", tolerationSeconds }],
  });
  await putPod(all, "plain", "a");
  await putPod(all, "patient", "a", tolerations(30));
  await putPod(all, "immune", "a", tolerations());
  // As users write it: without a time.
  const taints = [{ key: "fire", effect: "NoExecute" }];
  await all.world.edit("Node", "a", (node) => Node.fromPartial({ ...node, spec: { ...node.spec, taints } }));
  await all.reports.pass(1_000);
  const isGoing = (name: string): boolean => isDeleting(podIn(all, name) ?? {});
  expect(["plain", "patient", "immune"].map(isGoing)).toEqual([true, false, false]);
  await all.reports.pass(31_000);
  expect(["plain", "patient", "immune"].map(isGoing)).toEqual([true, true, false]);
  expect(podIn(all, "plain")?.status?.phase).toBe("Running");
  const disruption = podIn(all, "plain")?.status?.conditions.find(({ type }) => type === "DisruptionTarget");
  expect(disruption).toMatchObject({ status: "True", reason: "DeletionByTaintManager" });
  expect(podIn(all, "immune")?.status?.conditions.map(({ type }) => type)).not.toContain("DisruptionTarget");
  await putPod(all, "late", "a");
  await all.reports.pass(500);
  expect(isGoing("late")).toBe(true);
});

test("250 pods of a lost node are marked in whole transactions", async () => {
  const all = await newWorld(["a", "b", "c"]);
  for (let at = 0; at < 250; at += 1) await putPod(all, `web-${at}`, "a");
  all.reports.kill("a");
  await all.reports.pass(5_500);
  const going = all.world.view.podsOnNode("a").filter(({ object }) => isDeleting(object));
  expect(going).toHaveLength(250);
});

test("when no subnet is left the node says so", async () => {
  const world = await worldOfTest();
  const reports = new FakeReports(world.clock);
  const parts = { podCIDR: "10.0.0.0/24", nodePrefixLength: 24, leadingSinceMs: 0 };
  world.run([nodes({ reports, ...parts })]);
  reports.say("a");
  reports.say("b");
  await reports.pass(1_000);
  const all = { world, reports };
  expect([nodeIn(all, "a"), nodeIn(all, "b")].map((node) => node?.spec?.podCIDR)).toEqual(["10.0.0.0/24", ""]);
  expect(readyOf(all, "b")).toMatchObject({ status: "False", reason: "PodSubnetsExhausted" });
  reports.kill("a");
  await world.drop({ kind: "Node", namespace: "", name: "a" });
  await reports.pass(5_000);
  expect(metaOf(nodeIn(all, "b") ?? {}).name).toBe("b");
});

test("a node that lacks something takes no new pods, says so, and takes them again", async () => {
  const all = await newWorld(["a"]);
  const pressed = (status: string) => ({
    conditions: [
      { type: "Ready", status: "True", reason: "AgentReady" },
      { type: "DiskPressure", status, reason: "AgentHasDiskPressure", message: "nodefs.available is 1Gi" },
    ],
  });
  all.reports.say("a", pressed("True"));
  await all.reports.pass(500);
  expect(taintsOf(all, "a")).toEqual(["disk-pressure:NoSchedule"]);
  expect(all.world.notices.map(({ reason }) => reason)).toContain("NodeHasDiskPressure");
  all.reports.say("a", pressed("False"));
  await all.reports.pass(500);
  expect(taintsOf(all, "a")).toEqual([]);
});
