import fc from "fast-check";
import { expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { conditionOf, isConditionTrue, isDeleting } from "../../kinds/pod-state.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { PodDisruptionBudget } from "../../proto/gen/tallship/v1/poddisruptionbudget.js";
import { podRequests } from "../../scheduler/pod-requests.js";
import type { ControlWorld } from "../../test/kit/control-world.js";
import { type NodeParts, nodeOf, type PodParts, podOf } from "../../test/kit/schedule-world.js";
import { worldOfTest } from "../../test/kit/world-of-test.js";
import { SchedulingLoop } from "./scheduling-loop.js";

const small: NodeParts["allocatable"] = { cpu: "1", memory: "8Gi" };

async function newWorld(...names: readonly string[]): Promise<ControlWorld> {
  const world = await worldOfTest();
  for (const name of names) await world.put({ kind: "Node", object: nodeOf({ name, allocatable: small }) });
  new SchedulingLoop(world.deps, world.stop.signal).start();
  await world.clock.advance(0);
  return world;
}

async function putPod(world: ControlWorld, name: string, parts: PodParts = {}): Promise<void> {
  const pod = podOf({ requests: { cpu: "600m" }, ...parts });
  const metadata = { ...metaOf(pod), name, namespace: "default", uid: `uid-${name}` };
  await world.put({ kind: "Pod", object: Pod.fromPartial({ ...pod, metadata, status: { phase: "Pending" } }) });
  await world.converge();
}

const podIn = (world: ControlWorld, name: string): Pod | undefined => world.view.get("Pod", "default", name);
const nodeFor = (world: ControlWorld, name: string) => podIn(world, name)?.spec?.nodeName;
const nominated = (world: ControlWorld, name: string) => podIn(world, name)?.status?.nominatedNodeName;
const end = (world: ControlWorld, name: string) => world.drop({ kind: "Pod", namespace: "default", name });

test("a pod of higher priority gets a node once the one that makes room has ended; until then the room is kept for it", async () => {
  const world = await newWorld("node-a");
  await putPod(world, "low");
  await putPod(world, "high", { priority: 10 });
  const low = podIn(world, "low");
  expect(low && isDeleting(low)).toBe(true);
  expect(low?.metadata?.deletionGracePeriodSeconds).toBe(30);
  expect(conditionOf(low?.status?.conditions, "DisruptionTarget")).toMatchObject({
    status: "True",
    reason: "PreemptionByScheduler",
  });
  expect(world.notices).toContainEqual({
    about: { kind: "Pod", namespace: "default", name: "low" },
    type: "Normal",
    reason: "Preempted",
    message: "Preempted by Pod/default/high on node node-a",
  });
  expect([nodeFor(world, "high"), nominated(world, "high")]).toEqual(["", "node-a"]);
  // What is kept for it is not in its own way.
  expect(conditionOf(podIn(world, "high")?.status?.conditions, "PodScheduled")?.message).toBe(
    "0/1 nodes: 1 insufficient cpu (short by 200m at best); room is being made on node-a",
  );
  // Comes in between, and would fit as soon as the victim is gone.
  await putPod(world, "thief", { priority: 5 });
  await end(world, "low");
  await world.converge();
  expect([nodeFor(world, "high"), nominated(world, "high"), nodeFor(world, "thief")]).toEqual(["node-a", "", ""]);
});

test("who must not preempt, and who meets nobody of lower priority, waits; nobody is evicted for it", async () => {
  const world = await newWorld("node-a");
  await putPod(world, "low", { priority: 10 });
  await putPod(world, "equal", { priority: 10 });
  await putPod(world, "polite", { priority: 20, preemptionPolicy: "Never" });
  const low = podIn(world, "low");
  expect(low && isDeleting(low)).toBe(false);
  expect(["equal", "polite"].map((name) => [nodeFor(world, name), nominated(world, name)])).toEqual([
    ["", ""],
    ["", ""],
  ]);
});

test("a protected pod stays while another can make room", async () => {
  const world = await newWorld("node-a", "node-b");
  await putPod(world, "guarded", { labels: { app: "db" }, nodeSelector: {} });
  await putPod(world, "plain");
  const spec = { selector: { matchLabels: { app: "db" } } };
  await world.put({
    kind: "PodDisruptionBudget",
    object: PodDisruptionBudget.fromPartial({
      metadata: { name: "b", namespace: "default" },
      spec,
      status: { disruptionsAllowed: 0 },
    }),
  });
  await putPod(world, "high", { priority: 10 });
  const [guarded, plain] = [podIn(world, "guarded"), podIn(world, "plain")];
  expect([guarded && isDeleting(guarded), plain && isDeleting(plain)]).toEqual([false, true]);
  expect(nominated(world, "high")).toBe(nodeFor(world, "plain"));
});

test("a pod of still higher priority takes kept room over, and who loses it looks elsewhere", async () => {
  const world = await newWorld("node-a");
  await putPod(world, "low");
  await putPod(world, "high", { priority: 10 });
  await putPod(world, "higher", { priority: 20 });
  await end(world, "low");
  await world.converge(60_000);
  expect([nodeFor(world, "higher"), nodeFor(world, "high"), nominated(world, "high")]).toEqual(["node-a", "", ""]);
});

test("a node that is lost while room is made on it keeps nobody waiting", async () => {
  const world = await newWorld("node-a");
  await putPod(world, "low");
  await putPod(world, "high", { priority: 10 });
  await world.put({ kind: "Node", object: nodeOf({ name: "node-a", allocatable: small, ready: "Unknown" }) });
  await world.converge();
  await world.put({ kind: "Node", object: nodeOf({ name: "node-b", allocatable: small }) });
  await world.converge();
  expect(nodeFor(world, "high")).toBe("node-b");
});

test("a new leader keeps the room that was being made", async () => {
  const world = await worldOfTest();
  const first = new AbortController();
  await world.put({ kind: "Node", object: nodeOf({ name: "node-a", allocatable: small }) });
  new SchedulingLoop(world.deps, first.signal).start();
  await putPod(world, "low");
  await putPod(world, "high", { priority: 10 });
  first.abort();
  new SchedulingLoop(world.deps, world.stop.signal).start();
  await putPod(world, "thief", { priority: 5 });
  await end(world, "low");
  await world.converge();
  expect([nodeFor(world, "high"), nodeFor(world, "thief")]).toEqual(["node-a", ""]);
});

const edit = fc.record({
  do: fc.constantFrom("put" as const, "put" as const, "put" as const, "end" as const, "lose" as const),
  at: fc.nat({ max: 7 }),
  cpu: fc.constantFrom("200m", "600m", "1"),
  priority: fc.constantFrom(0, 10, 20),
});

test("whatever comes: no node is over its cpu, it comes to rest, and who waits then could only take the room of its equals or betters", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 20 }), async (edits) => {
      const world = await newWorld("node-a", "node-b");
      for (const { do: what, at, cpu, priority } of edits) {
        const name = `pod-${at}`;
        const live = podIn(world, name);
        if (what === "put" && live === undefined) await putPod(world, name, { requests: { cpu }, priority });
        else if (what === "end" && live !== undefined) await end(world, name);
        else if (what === "lose") {
          const ready = at % 2 === 0 ? "True" : "Unknown";
          await world.put({ kind: "Node", object: nodeOf({ name: "node-b", allocatable: small, ready }) });
        }
      }
      for (let round = 0; round < 20; round += 1) {
        await world.converge();
        for (const { object } of world.view.list("Pod")) if (isDeleting(object)) await end(world, metaOf(object).name);
      }
      await world.converge(20_000);
      const live = world.view.list("Pod").map(({ object }) => object);
      expect(live.filter(isDeleting)).toEqual([]);
      for (const nodeName of ["node-a", "node-b"]) {
        const own = live.filter(({ spec }) => spec?.nodeName === nodeName);
        const used = own.reduce((sum, pod) => sum + (podRequests(pod).get("cpu") ?? 0), 0);
        expect(used).toBeLessThanOrEqual(1_000);
        const node = world.view.get("Node", "", nodeName);
        if (!isConditionTrue(node?.status?.conditions, "Ready")) continue;
        for (const pod of live.filter(({ spec }) => spec?.nodeName === "")) {
          const kept = own.filter(({ spec }) => (spec?.priority ?? 0) >= (pod.spec?.priority ?? 0));
          const unmovable = kept.reduce((sum, each) => sum + (podRequests(each).get("cpu") ?? 0), 0);
          expect(unmovable + (podRequests(pod).get("cpu") ?? 0)).toBeGreaterThan(1_000);
        }
      }
      world.stop.abort();
    }),
    { seed: 5, numRuns: 60 },
  );
});
