import { afterEach, expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { PodGroup } from "../../proto/gen/tallship/v1/podgroup.js";
import { Queue } from "../../proto/gen/tallship/v1/queue.js";
import { type ControlWorld, controlWorld } from "../../test/kit/control-world.js";
import { nodeOf, podOf } from "../../test/kit/schedule-world.js";
import { askPicture } from "./picture.js";
import { whyOf } from "./why.js";

let world: ControlWorld;
afterEach(() => world.stop.abort());

async function put(
  name: string,
  labels: Readonly<Record<string, string>>,
  parts: Parameters<typeof podOf>[0] = {},
): Promise<Pod> {
  const pod = podOf({ requests: { cpu: "1" }, labels, ...parts });
  const metadata = { ...metaOf(pod), name, namespace: "default", uid: `uid-${name}` };
  const object = Pod.fromPartial({ ...pod, metadata, status: { phase: "Pending" } });
  await world.put({ kind: "Pod", object });
  return object;
}

const why = (pod: Pod) => askPicture(world, world.stop.signal, ({ state, view }) => whyOf(state, view, pod));

// The picture lets in whom the scheduler would: a pod is not told to wait for quota that it has.
test("a pod is told that it waits for its queue's quota, or for the rest of its group, before any node is asked", async () => {
  world = await controlWorld();
  await world.put({ kind: "Node", object: nodeOf({ name: "node-a" }) });
  const queue = { metadata: { name: "batch" }, spec: { quota: { cpu: "1" } } };
  await world.put({ kind: "Queue", object: Queue.fromPartial(queue) });
  const group = { metadata: { name: "g", namespace: "default" }, spec: { minMember: 2 } };
  await world.put({ kind: "PodGroup", object: PodGroup.fromPartial(group) });
  const first = await put("a", { "tallship.dev/queue": "batch" });
  const second = await put("b", { "tallship.dev/queue": "batch" });
  const member = await put("m", { "tallship.dev/pod-group": "g" });
  expect(await why(first)).toMatchObject({ notTried: "", takenBy: "node-a" });
  expect((await why(second)).notTried).toBe('it waits for quota of queue "batch"');
  expect((await why(member)).notTried).toBe('pod group "g" has fewer than its 2 pods');
});

test("a pod of a group that finds no nodes together is not told that a node takes it, and how many of them would find one", async () => {
  world = await controlWorld();
  await world.put({ kind: "Node", object: nodeOf({ name: "node-a", allocatable: { cpu: "2", memory: "8Gi" } }) });
  const group = { metadata: { name: "g", namespace: "default" }, spec: { minMember: 3 } };
  await world.put({ kind: "PodGroup", object: PodGroup.fromPartial(group) });
  const members = [];
  for (const name of ["a", "b", "c"]) members.push(await put(name, { "tallship.dev/pod-group": "g" }));
  const [first] = members;
  if (first === undefined) throw new Error("there are three");
  const need = 'pod group "g" needs nodes for 3 more pods at once: 2 of 3 would find one';
  const each = "the next: 0/1 nodes: 1 insufficient cpu (short by 1 at best)";
  for (let time = 0; time < 2; time += 1)
    expect(await why(first)).toMatchObject({ takenBy: "", summary: `${need}; ${each}` });
  await world.put({ kind: "Node", object: nodeOf({ name: "node-b", allocatable: { cpu: "2", memory: "8Gi" } }) });
  expect(await why(first)).toMatchObject({ summary: "", takenBy: expect.stringMatching(/^node-[ab]$/) });
});

test("of a group of which one would have to go for a pod all are named that could do nothing without it", async () => {
  world = await controlWorld();
  for (const name of ["node-a", "node-b"])
    await world.put({ kind: "Node", object: nodeOf({ name, allocatable: { cpu: "1", memory: "8Gi" } }) });
  const metadata = { name: "g", namespace: "default" };
  await world.put({ kind: "PodGroup", object: PodGroup.fromPartial({ metadata, spec: { minMember: 2 } }) });
  await put("a", { "tallship.dev/pod-group": "g" }, { nodeName: "node-a" });
  await put("b", { "tallship.dev/pod-group": "g" }, { nodeName: "node-b" });
  const { victims } = await why(await put("vip", {}, { priority: 10 }));
  expect(victims.map(({ name, node }) => `${name} ${node}`).sort()).toEqual(["a node-a", "b node-b"]);
});

test("room that is kept for a pod is not in its own way", async () => {
  world = await controlWorld();
  await world.put({ kind: "Node", object: nodeOf({ name: "node-a", allocatable: { cpu: "1", memory: "8Gi" } }) });
  await put("low", {}, { nodeName: "node-a" });
  const pod = await put("high", {}, { priority: 10 });
  const object = Pod.fromPartial({ ...pod, status: { phase: "Pending", nominatedNodeName: "node-a" } });
  await world.put({ kind: "Pod", object });
  const answer = await why(object);
  expect(answer.nodes).toEqual([
    { node: "node-a", objections: [{ filter: "resources", reason: "insufficient cpu", shortBy: "1" }] },
  ]);
  expect(answer.summary).toBe("0/1 nodes: 1 insufficient cpu (short by 1 at best)");
});
