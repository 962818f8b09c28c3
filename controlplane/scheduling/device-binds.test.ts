import { afterEach, expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { conditionOf, isDeleting } from "../../kinds/pod-state.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type ControlWorld, controlWorld } from "../../test/kit/control-world.js";
import { nodeOf, type PodParts, podOf } from "../../test/kit/schedule-world.js";
import { SchedulingLoop } from "./scheduling-loop.js";

let world: ControlWorld;
let leader: AbortController;
afterEach(() => world.stop.abort());

const GPU = "nvidia.com/gpu";

/** Leads the scheduling of a cluster with one node of so many GPUs. */
async function start(gpus: number): Promise<void> {
  world = await controlWorld();
  leader = new AbortController();
  new SchedulingLoop(world.deps, leader.signal).start();
  const devices = Array.from({ length: gpus }, (_, at) => ({ name: `${GPU}=${at}`, model: "A", memory: "16Gi" }));
  await world.put({ kind: "Node", object: nodeOf({ name: "node-a", devices }) });
}

async function put(name: string, parts: PodParts): Promise<void> {
  const pod = podOf(parts);
  const metadata = { ...metaOf(pod), name, namespace: "default", uid: `uid-${name}` };
  await world.put({ kind: "Pod", object: Pod.fromPartial({ ...pod, metadata, status: { phase: "Pending" } }) });
  await world.converge(20_000);
}

const podIn = (name: string) => world.view.get("Pod", "default", name);
const devicesOf = (name: string) => podIn(name)?.metadata?.annotations["tallship.dev/devices"];
const why = (name: string) => conditionOf(podIn(name)?.status?.conditions, "PodScheduled")?.message;
const share = { requests: { "tallship.dev/gpu-memory": "10Gi" } };
const whole = { requests: { [GPU]: "1" } };

test("a pod's devices are written on it, and a new leader keeps to what is written", async () => {
  await start(2);
  await put("a", share);
  await put("b", whole);
  expect([devicesOf("a"), devicesOf("b")]).toEqual([`${GPU}=0`, `${GPU}=1`]);
  leader.abort();
  new SchedulingLoop(world.deps, world.stop.signal).start();
  await put("c", { requests: { "tallship.dev/gpu-memory": "6Gi" } });
  expect(devicesOf("c")).toBe(`${GPU}=0`);
  await put("d", share);
  expect(why("d")).toBe("0/1 nodes: 1 insufficient gpu-memory (short by 10Gi on the best device)");
  await put("e", whole);
  expect(why("e")).toBe(`0/1 nodes: 1 insufficient whole ${GPU} (short by 1 at best)`);
});

test("a pod that has the priority for it gets a whole device from those that share it", async () => {
  await start(1);
  await put("a", share);
  await put("b", { requests: { "tallship.dev/gpu-memory": "6Gi" } });
  await put("urgent", { ...whole, priority: 10 });
  expect([isDeleting(podIn("a") ?? {}), isDeleting(podIn("b") ?? {})]).toEqual([true, true]);
  // Room that is made is kept: nobody slips in before the victims have gone, nor after.
  await world.drop({ kind: "Pod", namespace: "default", name: "a" });
  await put("late", share);
  await world.drop({ kind: "Pod", namespace: "default", name: "b" });
  await world.converge(20_000);
  expect([devicesOf("urgent"), podIn("late")?.spec?.nodeName]).toEqual([`${GPU}=0`, ""]);
});
