import { expect, test } from "vitest";
import { LIMITS } from "../../lib/limits.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { Heartbeat } from "../../proto/gen/tallship/v1/session.js";
import { FakeNode } from "../../test/kit/fake-node.js";
import { sessionWorld } from "../../test/kit/session-world.js";

/** A leader with two connected nodes, each with a pod named for it that mounts the ConfigMap web. */
async function connectedWorld() {
  const world = sessionWorld();
  const a = await world.startReplica("a");
  a.lead();
  const nodes = ["n1", "n2"].map((name) => new FakeNode(world.dialer({ name, role: "node" }), "a:7443"));
  for (const name of ["n1", "n2"]) {
    await world.putNode(name);
    const spec = { nodeName: name, volumes: [{ name: "v", configMap: { name: `of-${name}` } }] };
    const metadata = { name: `pod-${name}`, namespace: "default", uid: `uid-${name}` };
    await world.put({ kind: "Pod", object: Pod.fromPartial({ metadata, spec }) });
  }
  for (const node of nodes) node.hello();
  const settle = () => world.clock.advance(10);
  await settle();
  const [n1, n2] = nodes;
  if (n1 === undefined || n2 === undefined) throw new Error("two nodes");
  return { ...world, hub: a.hub, n1, n2, settle };
}

function report(node: FakeNode, readAtMs: number, cpuMicroseconds: number): void {
  const containers = [{ name: "main", cpuMicroseconds, memoryBytes: 7, readAtMs }];
  const series = [{ name: "jobs", labels: {}, value: 3, readAtMs }];
  node.send({ $case: "usage", value: { pods: [{ uid: "uid-n1", containers, series }] } });
}

test("nodes hear what is wanted of their own pods alone, and when it is wanted no more", async () => {
  const { hub, n1, n2, settle } = await connectedWorld();
  const wish = { everyMs: 10_000, metrics: new Map([["uid-n1", ["jobs"]]]) };
  hub.usage.wantUsage(wish);
  hub.usage.wantUsage({ ...wish, metrics: new Map(wish.metrics) });
  await settle();
  const metrics = [{ podUID: "uid-n1", names: ["jobs"] }];
  expect(n1.got("usageWanted").slice(1)).toEqual([{ everyMs: 10_000, metrics }]);
  expect(n2.got("usageWanted").slice(1)).toEqual([{ everyMs: 10_000, metrics: [] }]);
  hub.usage.wantUsage({ everyMs: 0, metrics: new Map() });
  await settle();
  expect(n1.got("usageWanted").at(-1)).toEqual({ everyMs: 0, metrics: [] });
});

test("CPU is a rate over the window, of one run of the container; memory and series are the last ones", async () => {
  const { hub, n1, settle } = await connectedWorld();
  report(n1, 10_000, 1_000_000);
  await settle();
  expect(hub.usage.usageOf("n1", "uid-n1")).toMatchObject([{ name: "main", cpuMillicores: undefined, memoryBytes: 7 }]);
  report(n1, 20_000, 3_000_000);
  report(n1, 30_000, 6_000_000);
  await settle();
  expect(hub.usage.usageOf("n1", "uid-n1")).toMatchObject([{ cpuMillicores: 250, readAtMs: 30_000, windowMs: 20_000 }]);
  expect(hub.usage.seriesOf("n1", "uid-n1")).toMatchObject([{ name: "jobs", value: 3 }]);
  report(n1, 40_000, 500_000);
  await settle();
  expect(hub.usage.usageOf("n1", "uid-n1")).toMatchObject([{ cpuMillicores: undefined }]);
});

test("usage is forgotten with the node's session, and when it is too old", async () => {
  const { hub, n1, clock, settle } = await connectedWorld();
  report(n1, 10_000, 1);
  await settle();
  await clock.advance(LIMITS.usageKeptMs.value);
  expect(hub.usage.usageOf("n1", "uid-n1")).toBeUndefined();
  report(n1, 20_000, 1);
  await settle();
  expect(hub.usage.usageOf("n1", "uid-n1")).toBeDefined();
  n1.die();
  await settle();
  expect(hub.usage.usageOf("n1", "uid-n1")).toBeUndefined();
});

test("people who ask wait for two reports of every node; nodes go on for a while, and then stop", async () => {
  const { hub, n1, n2, clock, settle } = await connectedWorld();
  const asked = hub.usageNow(new AbortController().signal);
  await settle();
  for (const node of [n1, n2]) expect(node.got("usageWanted").at(-1)).toEqual({ everyMs: 1_000, metrics: [] });
  let isAnswered = false;
  void asked.then(() => {
    isAnswered = true;
  });
  report(n1, 10_000, 1_000_000);
  report(n1, 11_000, 1_500_000);
  n2.send({ $case: "usage", value: { pods: [] } });
  await clock.advance(200);
  expect(isAnswered).toBe(false);
  n2.send({ $case: "usage", value: { pods: [] } });
  const heartbeat = Heartbeat.fromPartial({ sequence: 1, usage: { cpuMillicores: 300, memoryBytes: 9 } });
  n2.send({ $case: "heartbeat", value: heartbeat });
  await clock.advance(200);
  const { nodes, pods } = await asked;
  expect(pods).toEqual([{ uid: "uid-n1", containers: [{ name: "main", cpuMillicores: 500, memoryBytes: 7 }] }]);
  expect(nodes).toEqual([{ name: "n2", cpuMillicores: 300, memoryBytes: 9 }]);
  await clock.advance(LIMITS.topWantedMs.value);
  expect(n1.got("usageWanted").at(-1)).toEqual({ everyMs: 0, metrics: [] });
});

test("a node that says nothing is waited for no longer than a moment, and autoscalers go on when people are done", async () => {
  const { hub, n1, clock, settle } = await connectedWorld();
  hub.usage.wantUsage({ everyMs: 10_000, metrics: new Map() });
  const asked = hub.usageNow(new AbortController().signal);
  await settle();
  expect(n1.got("usageWanted").at(-1)).toMatchObject({ everyMs: 1_000 });
  await clock.advance(LIMITS.topWaitMs.value + 100);
  expect(await asked).toEqual({ nodes: [], pods: [] });
  await clock.advance(LIMITS.topWantedMs.value);
  expect(n1.got("usageWanted").at(-1)).toMatchObject({ everyMs: 10_000 });
});

test("a config's new content is told to the nodes whose pods use it; new labels are not", async () => {
  const { n1, n2, put, settle } = await connectedWorld();
  const metadata = { name: "of-n1", namespace: "default", uid: "c" };
  const write = (data: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>> = {}) =>
    put({ kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata: { ...metadata, labels }, data }) });
  await write({ key: "one" });
  await settle();
  const configs = [{ kind: "ConfigMap", namespace: "default", name: "of-n1" }];
  expect(n1.got("configsChanged")).toMatchObject([{ configs }]);
  await write({ key: "one" }, { team: "blue" });
  await settle();
  expect(n1.got("configsChanged")).toHaveLength(1);
  await write({ key: "two" });
  await settle();
  const [first, second] = n1.got("configsChanged");
  expect(second?.revision).toBeGreaterThan(first?.revision ?? 0);
  expect(n2.got("configsChanged")).toEqual([]);
});
