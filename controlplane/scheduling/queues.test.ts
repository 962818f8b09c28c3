import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { conditionOf, isDeleting } from "../../kinds/pod-state.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { PodGroup } from "../../proto/gen/tallship/v1/podgroup.js";
import { Queue, type QueueSpec } from "../../proto/gen/tallship/v1/queue.js";
import { podRequests } from "../../scheduler/pod-requests.js";
import { type ControlWorld, controlWorld } from "../../test/kit/control-world.js";
import { nodeOf, type PodParts, podOf } from "../../test/kit/schedule-world.js";
import { queue as queueController } from "../controllers/queue.js";
import { SchedulingLoop } from "./scheduling-loop.js";

let world: ControlWorld;
afterEach(() => world.stop.abort());

async function start(cpu = "100"): Promise<void> {
  world = await controlWorld();
  await world.put({ kind: "Namespace", object: Namespace.fromPartial({ metadata: { name: "default" } }) });
  await world.put({ kind: "Node", object: nodeOf({ name: "node-a", allocatable: { cpu, memory: "64Gi" } }) });
  new SchedulingLoop(world.deps, world.stop.signal).start();
  world.run([queueController]);
}

async function queue(name: string, cpu: string, parts: Partial<QueueSpec> = {}): Promise<void> {
  const spec = { cohort: "all", quota: { cpu }, reclaimPolicy: "Any", ...parts };
  await world.put({ kind: "Queue", object: Queue.fromPartial({ metadata: { name, uid: name }, spec }) });
  await world.converge();
}

async function put(name: string, queueName: string, parts: PodParts = {}): Promise<void> {
  const pod = podOf({ requests: { cpu: "1" }, ...parts, labels: { "tallship.dev/queue": queueName, ...parts.labels } });
  const metadata = { ...metaOf(pod), name, namespace: "default", uid: `uid-${name}` };
  await world.put({ kind: "Pod", object: Pod.fromPartial({ ...pod, metadata, status: { phase: "Pending" } }) });
  await world.converge();
}

async function several(names: readonly string[], queueName: string, parts: PodParts = {}): Promise<void> {
  for (const name of names) await put(name, queueName, parts);
}

const podIn = (name: string) => world.view.get("Pod", "default", name);
const placed = (...names: readonly string[]) => names.filter((name) => (podIn(name)?.spec?.nodeName ?? "") !== "");
const going = (...names: readonly string[]) => names.filter((name) => isDeleting(podIn(name) ?? {}));
const why = (name: string) => conditionOf(podIn(name)?.status?.conditions, "PodScheduled")?.message;
const end = (name: string) => world.drop({ kind: "Pod", namespace: "default", name });
const status = (name: string) => world.view.get("Queue", "", name)?.status;

test("pods wait for their queue, and then for its quota, and say so; who ends lets the next in", async () => {
  await start();
  await put("a", "batch");
  await world.converge(20_000);
  expect(why("a")).toBe('queue "batch" not found');
  await queue("batch", "2");
  await several(["b", "c"], "batch");
  await world.converge(20_000);
  expect([placed("a", "b", "c"), why("c")]).toEqual([["a", "b"], 'it waits for quota of queue "batch"']);
  expect(status("batch")).toEqual({ pending: 1, running: 2, used: { cpu: "2" }, borrowed: {} });
  await end("a");
  await world.converge();
  expect(placed("b", "c")).toEqual(["b", "c"]);
});

test("the first by priority and age goes first, and holds up those behind it that would fit", async () => {
  await start();
  await queue("batch", "2");
  await put("running", "batch");
  await put("large", "batch", { requests: { cpu: "2" } });
  await put("small", "batch");
  expect(placed("large", "small")).toEqual([]);
  expect([why("large"), why("small")]).toEqual([
    'it waits for quota of queue "batch"',
    'it waits behind others in queue "batch"',
  ]);
  await put("urgent", "batch", { priority: 10 });
  expect(placed("large", "small", "urgent")).toEqual(["urgent"]);
});

test("a queue borrows what others do not use, within its limit and theirs", async () => {
  await start();
  await queue("idle", "4", { lendingLimit: { cpu: "3" } });
  await queue("busy", "1", { borrowingLimit: { cpu: "2" } });
  await several(["a", "b", "c", "d"], "busy");
  expect(placed("a", "b", "c", "d")).toEqual(["a", "b", "c"]);
  expect(status("busy")).toMatchObject({ used: { cpu: "3" }, borrowed: { cpu: "2" } });
});

test("what was lent is taken back from the least important, no more than is needed, and nobody borrows meanwhile", async () => {
  await start();
  await queue("owner", "2");
  await queue("guest", "1");
  await put("vip", "guest", { priority: 5 });
  await several(["a", "b"], "guest");
  await put("own", "owner");
  expect([going("vip", "a", "b").length, going("vip")]).toEqual([1, []]);
  for (const name of going("a", "b")) await end(name);
  await world.converge();
  expect(placed("own")).toEqual(["own"]);
  await end("own");
  await put("c", "guest");
  await put("large", "owner", { requests: { cpu: "2" } });
  await put("late", "guest");
  await world.converge(20_000);
  expect(why("large")).toBe('it waits for quota of queue "owner" that others have borrowed and give back');
  const [first = "", second = ""] = going("vip", "a", "b", "c");
  await end(first);
  await world.converge();
  expect(placed("large", "late")).toEqual([]);
  await end(second);
  await world.converge();
  expect(placed("large", "late", "vip")).toEqual(["large", "vip"]);
});

test("quota that is borrowed by pods without a node is given back as well: they wait again, and nobody is evicted", async () => {
  await start("2");
  await queue("owner", "2");
  await queue("guest", "0");
  await several(["a", "b"], "guest", { nodeSelector: { zone: "nowhere" } });
  await put("own", "owner", { requests: { cpu: "2" } });
  await world.converge(20_000);
  expect([placed("a", "b", "own"), going("a", "b")]).toEqual([["own"], []]);
  expect(why("a")).toBe('it waits for quota of queue "guest"');
  await end("own");
  await world.converge(20_000);
  expect(why("a")).toBe("0/1 nodes: 1 without label zone=nowhere");
});

test("quota that a pod without a node holds goes to a more important one of its queue, not to a younger one", async () => {
  await start();
  await queue("batch", "1");
  await put("lost", "batch", { nodeSelector: { zone: "nowhere" } });
  await put("young", "batch");
  expect(placed("young")).toEqual([]);
  await put("urgent", "batch", { priority: 10 });
  await world.converge(20_000);
  expect([placed("young", "urgent"), why("lost")]).toEqual([["urgent"], 'it waits for quota of queue "batch"']);
  await end("urgent");
  await world.converge(20_000);
  expect(why("lost")).toBe("0/1 nodes: 1 without label zone=nowhere");
});

test("when a quota shrinks, those that were let in and have no node wait again, the last first; who has a node keeps it", async () => {
  await start();
  await queue("batch", "4", { cohort: "" });
  await put("running", "batch");
  await several(["a", "b", "c"], "batch", { nodeSelector: { zone: "nowhere" } });
  await queue("batch", "2", { cohort: "" });
  await world.converge(20_000);
  const nowhere = "0/1 nodes: 1 without label zone=nowhere";
  expect(["a", "b", "c"].map(why)).toEqual([
    nowhere,
    'it waits for quota of queue "batch"',
    'it waits for quota of queue "batch"',
  ]);
  await queue("batch", "0", { cohort: "" });
  await world.converge(20_000);
  expect([why("a"), placed("running"), going("running")]).toEqual([
    'it waits for quota of queue "batch"',
    ["running"],
    [],
  ]);
  await queue("batch", "4", { cohort: "" });
  await world.converge(20_000);
  expect(["a", "b", "c"].map(why)).toEqual([nowhere, nowhere, nowhere]);
  await world.drop({ kind: "Queue", namespace: "", name: "batch" });
  await world.converge(20_000);
  expect(["a", "b", "c"].map(why)).toEqual(Array(3).fill('queue "batch" not found'));
});

test("when less is lent, who borrowed and has no node waits again, and a group as a whole", async () => {
  await start();
  await queue("idle", "3");
  await queue("busy", "1");
  await put("alone", "busy", { nodeSelector: { zone: "nowhere" } });
  const group = { metadata: { name: "g", namespace: "default", uid: "g" }, spec: { minMember: 2 } };
  await world.put({ kind: "PodGroup", object: PodGroup.fromPartial(group) });
  const labels = { "tallship.dev/pod-group": "g" };
  await several(["g1", "g2"], "busy", { labels, nodeSelector: { zone: "nowhere" } });
  await world.converge(20_000);
  expect(why("g1")).toContain('pod group "g" needs nodes for 2 more pods at once');
  await queue("idle", "3", { lendingLimit: { cpu: "1" } });
  await world.converge(20_000);
  expect(["alone", "g1", "g2"].map(why)).toEqual([
    "0/1 nodes: 1 without label zone=nowhere",
    'it waits for quota of queue "busy"',
    'it waits for quota of queue "busy"',
  ]);
});

test("who stood first in line and is deleted holds up nobody any more, and nobody behind it is passed", async () => {
  await start();
  await queue("batch", "2");
  await put("too-large", "batch", { requests: { cpu: "3" } });
  await several(["a", "b"], "batch");
  await end("too-large");
  await put("c", "batch");
  expect(placed("a", "b", "c")).toEqual(["a", "b"]);
});

test("what a queue does not bound it does not take from others", async () => {
  await start();
  await queue("other", "2", { quota: { memory: "4Gi" } });
  await queue("batch", "2");
  await several(["o1", "o2", "o3"], "other", { requests: { cpu: "2", memory: "1Gi" } });
  await several(["a", "b"], "batch");
  expect(placed("o1", "o2", "o3", "a", "b")).toEqual(["o1", "o2", "o3", "a", "b"]);
});

test("a queue that never reclaims waits", async () => {
  await start();
  await queue("owner", "2", { reclaimPolicy: "Never" });
  await queue("guest", "0");
  await several(["a", "b"], "guest");
  await put("own", "owner");
  expect([placed("a", "b", "own"), going("a", "b")]).toEqual([["a", "b"], []]);
});

test("of two queues that borrow, the one with the smaller share goes first", async () => {
  await start();
  await queue("pool", "2", { lendingLimit: {} });
  await queue("large", "4");
  await queue("small", "1");
  await several(["l1", "l2", "l3", "l4"], "large");
  await several(["s1"], "small");
  await put("block", "pool", { requests: { cpu: "2" } });
  await several(["s2"], "small");
  await several(["l5"], "large");
  await end("block");
  await world.converge();
  // Five quarters against two ones, then six quarters against two ones.
  expect(placed("l5", "s2")).toEqual(["l5", "s2"]);
  const at = (name: string) =>
    world.notices.findIndex(({ about, reason }) => about.name === name && reason === "Scheduled");
  expect(at("l5")).toBeLessThan(at("s2"));
});

test("a pod group that borrowed gives back whole: what is left of it could do nothing", async () => {
  await start();
  await queue("owner", "1");
  await queue("guest", "1");
  const group = { metadata: { name: "g", namespace: "default", uid: "g" }, spec: { minMember: 2 } };
  await world.put({ kind: "PodGroup", object: PodGroup.fromPartial(group) });
  await several(["a", "b"], "guest", { labels: { "tallship.dev/pod-group": "g" } });
  expect(placed("a", "b")).toEqual(["a", "b"]);
  await put("own", "owner");
  expect(going("a", "b")).toEqual(["a", "b"]);
});

test("a pod group is let in whole or not at all", async () => {
  await start();
  await queue("batch", "2", { cohort: "" });
  const group = { metadata: { name: "g", namespace: "default", uid: "g" }, spec: { minMember: 2 } };
  await world.put({ kind: "PodGroup", object: PodGroup.fromPartial(group) });
  await put("single", "batch");
  const labels = { "tallship.dev/pod-group": "g" };
  await several(["a", "b"], "batch", { labels });
  expect(placed("single", "a", "b")).toEqual(["single"]);
  await end("single");
  await world.converge();
  expect(placed("a", "b")).toEqual(["a", "b"]);
});

const edit = fc.record({
  do: fc.constantFrom("put" as const, "put" as const, "put" as const, "end" as const),
  at: fc.nat({ max: 9 }),
  cpu: fc.constantFrom("1", "2"),
  queue: fc.constantFrom("q0", "q1", "q2"),
  priority: fc.constantFrom(0, 10),
});

test("whatever comes: a cohort never has more running than its quotas, and it comes to rest", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 3 }), { minLength: 3, maxLength: 3 }),
      fc.array(edit, { maxLength: 20 }),
      async (quotas, edits) => {
        await start();
        for (const [at, cpu] of quotas.entries()) await queue(`q${at}`, `${cpu}`);
        const total = 1_000 * quotas.reduce((sum, each) => sum + each, 0);
        for (const { do: what, at, cpu, queue: name, priority } of edits) {
          if (what === "end") await end(`p${at}`);
          else if (podIn(`p${at}`) === undefined) await put(`p${at}`, name, { requests: { cpu }, priority });
          const running = world.view.podsOnNode("node-a");
          const used = running.reduce((sum, { object }) => sum + (podRequests(object).get("cpu") ?? 0), 0);
          expect(used).toBeLessThanOrEqual(total);
        }
        for (let round = 0; round < 15; round += 1) {
          await world.converge();
          for (const { object } of world.view.list("Pod")) if (isDeleting(object)) await end(metaOf(object).name);
        }
        await world.converge(20_000);
        expect(world.view.list("Pod").filter(({ object }) => isDeleting(object))).toEqual([]);
        world.stop.abort();
      },
    ),
    { seed: 23, numRuns: 40 },
  );
});
