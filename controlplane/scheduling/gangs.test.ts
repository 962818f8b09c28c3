import { afterEach, expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { conditionOf, isDeleting } from "../../kinds/pod-state.js";
import { Job } from "../../proto/gen/tallship/v1/job.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { PodGroup, type PodGroupSpec } from "../../proto/gen/tallship/v1/podgroup.js";
import { type ControlWorld, controlWorld } from "../../test/kit/control-world.js";
import { type NodeParts, nodeOf, type PodParts, podOf } from "../../test/kit/schedule-world.js";
import { job } from "../controllers/job/job.js";
import { podGroup } from "../controllers/pod-group.js";
import { SchedulingLoop } from "./scheduling-loop.js";

let world: ControlWorld;
afterEach(() => world.stop.abort());

const node = (name: string, cpu: string, zone = "") =>
  world.put({
    kind: "Node",
    object: nodeOf({ name, labels: { zone }, allocatable: { cpu, memory: "8Gi" } } satisfies NodeParts),
  });

async function start(): Promise<void> {
  world = await controlWorld();
  new SchedulingLoop(world.deps, world.stop.signal).start();
  world.run([podGroup, job]);
}

async function group(spec: Partial<PodGroupSpec>): Promise<void> {
  const metadata = { name: "train", namespace: "default", uid: "train-uid" };
  await world.put({ kind: "PodGroup", object: PodGroup.fromPartial({ metadata, spec }) });
}

async function member(name: string, parts: PodParts = {}): Promise<void> {
  const pod = podOf({ requests: { cpu: "1" }, labels: { "tallship.dev/pod-group": "train" }, ...parts });
  const metadata = { ...metaOf(pod), name, namespace: "default", uid: `uid-${name}` };
  await world.put({ kind: "Pod", object: Pod.fromPartial({ ...pod, metadata, status: { phase: "Pending" } }) });
  await world.converge();
}

const podIn = (name: string) => world.view.get("Pod", "default", name);
const nodesOf = (...names: readonly string[]) => names.map((name) => podIn(name)?.spec?.nodeName);
const why = (name: string) => conditionOf(podIn(name)?.status?.conditions, "PodScheduled")?.message;
const phase = () => world.view.get("PodGroup", "default", "train")?.status?.phase;

test("pods of a group wait for the group, for each other, and for room for all; then all get their nodes at once", async () => {
  await start();
  await node("node-a", "1");
  await member("a");
  expect(why("a")).toBe('pod group "train" not found');
  await group({ minMember: 2 });
  await world.converge(20_000);
  expect([why("a"), phase()]).toEqual(['pod group "train" has fewer than its 2 pods', "Pending"]);
  await member("b");
  await world.converge(20_000);
  expect([nodesOf("a", "b"), phase()]).toEqual([["", ""], "Scheduling"]);
  expect(why("b")).toBe('pod group "train" needs nodes for 2 more pods at once');
  await node("node-b", "2");
  await world.converge();
  expect([nodesOf("a", "b").every((name) => name !== ""), phase()]).toEqual([true, "Scheduled"]);
  // Enough have a node: whoever comes now is placed by itself.
  await member("c");
  expect(nodesOf("c")[0]).not.toBe("");
});

test("all of a group are in one zone where it must, whichever came first", async () => {
  await start();
  await node("node-a", "1", "east");
  await node("node-b", "1", "west");
  await node("node-c", "1", "west");
  await group({ minMember: 2, topologyKey: "zone", topologyPolicy: "Required" });
  await member("a");
  await member("b");
  expect([...nodesOf("a", "b")].sort()).toEqual(["node-b", "node-c"]);
});

test("two groups that each fit alone do not block each other with halves", async () => {
  await start();
  await group({ minMember: 2 });
  const other = { name: "other", namespace: "default", uid: "other-uid" };
  await world.put({ kind: "PodGroup", object: PodGroup.fromPartial({ metadata: other, spec: { minMember: 2 } }) });
  const others = { labels: { "tallship.dev/pod-group": "other" } };
  await member("a");
  await member("x", others);
  await node("node-a", "1");
  await member("b");
  await member("y", others);
  await node("node-b", "1");
  await world.converge();
  expect(nodesOf("a", "b", "x", "y")).toEqual(["node-a", "node-b", "", ""]);
  for (const name of ["a", "b"]) await world.drop({ kind: "Pod", namespace: "default", name });
  await world.converge();
  expect(nodesOf("x", "y")).toEqual(["node-a", "node-b"]);
});

test("others make room for a whole group, which gets its nodes when the last of them has ended", async () => {
  await start();
  await node("node-a", "1");
  await node("node-b", "1");
  await member("low-a", { labels: {} });
  await member("low-b", { labels: {} });
  await group({ minMember: 2 });
  await member("a", { priority: 10 });
  await member("b", { priority: 10 });
  await world.converge();
  expect(["low-a", "low-b"].map((name) => podIn(name)).map((pod) => pod && isDeleting(pod))).toEqual([true, true]);
  await world.drop({ kind: "Pod", namespace: "default", name: "low-a" });
  await world.converge();
  expect(nodesOf("a", "b")).toEqual(["", ""]);
  await world.drop({ kind: "Pod", namespace: "default", name: "low-b" });
  await world.converge();
  expect([...nodesOf("a", "b")].sort()).toEqual(["node-a", "node-b"]);
});

test("who takes the room of one of a group takes that of all, unless enough of them stay", async () => {
  await start();
  for (const name of ["node-a", "node-b", "node-c"]) await node(name, "1");
  await group({ minMember: 2 });
  for (const name of ["a", "b", "c"]) await member(name);
  const going = () => ["a", "b", "c"].filter((name) => isDeleting(podIn(name) ?? {}));
  await member("vip", { labels: {}, priority: 10 });
  expect(going()).toHaveLength(1);
  await world.drop({ kind: "Pod", namespace: "default", name: going()[0] ?? "" });
  await world.converge();
  await member("second", { labels: {}, priority: 10 });
  const left = ["a", "b", "c"].filter((name) => podIn(name) !== undefined);
  expect([left.length, going()]).toEqual([2, left]);
});

test("a group that finds no nodes in time has failed, and is not tried again", async () => {
  await start();
  await group({ minMember: 1, scheduleTimeoutSeconds: 30 });
  await member("a");
  await world.clock.advance(31_000);
  expect(phase()).toBe("Failed");
  await node("node-a", "4");
  await world.converge(20_000);
  expect([nodesOf("a"), why("a")]).toEqual([[""], 'pod group "train" found no nodes in time']);
});

test("a job with a gang has a pod group, and its pods get their nodes together", async () => {
  await start();
  await node("node-a", "1");
  const template = { metadata: { labels: { job: "train" } }, spec: podOf({ requests: { cpu: "1" } }).spec };
  const metadata = { name: "train", namespace: "default", uid: "job-uid", annotations: { "tallship.dev/gang": "all" } };
  const spec = { parallelism: 2, completions: 2, template, selector: { matchLabels: { job: "train" } } };
  await world.put({ kind: "Job", object: Job.fromPartial({ metadata, spec }) });
  await world.converge();
  const pods = () => world.view.list("Pod", "default").map(({ object }) => object.spec?.nodeName);
  expect([pods(), world.view.get("PodGroup", "default", "train")?.spec?.minMember]).toEqual([["", ""], 2]);
  await node("node-b", "1");
  await world.converge();
  expect([...pods()].sort()).toEqual(["node-a", "node-b"]);
});

test("who comes for those of a group that are on their way out is not placed beside them, but with the others that come", async () => {
  await start();
  await node("node-a", "1");
  await node("node-b", "1");
  await group({ minMember: 2 });
  await member("a");
  await member("b");
  expect([...nodesOf("a", "b")].sort()).toEqual(["node-a", "node-b"]);
  for (const name of ["a", "b"]) {
    const { metadata, ...rest } = podIn(name) ?? {};
    const leaving = { ...rest, metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:30Z" } };
    await world.put({ kind: "Pod", object: Pod.fromPartial(leaving) });
  }
  await member("c");
  await member("d");
  await node("node-c", "1");
  await world.converge();
  expect(nodesOf("c", "d")).toEqual(["", ""]);
  await world.drop({ kind: "Pod", namespace: "default", name: "a" });
  await world.converge();
  expect(nodesOf("c", "d").every((name) => name !== "")).toBe(true);
});
