import fc from "fast-check";
import { expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { isDeleting, isPodActive } from "../../kinds/pod-state.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { ReplicaSet } from "../../proto/gen/tallship/v1/replicaset.js";
import type { ControlWorld } from "../../test/kit/control-world.js";
import { pinOf, runsImage } from "../../test/kit/pinned-pods.js";
import { worldOfTest } from "../../test/kit/world-of-test.js";
import { viewOf } from "../cache/view-of.js";
import { replicaSet } from "./replica-set.js";

async function newWorld(): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([replicaSet]);
  return world;
}

const setOf = (
  replicas: number,
  parts: { labels?: Record<string, string>; minReadySeconds?: number } = {},
): ReplicaSet =>
  ReplicaSet.fromPartial({
    metadata: { name: "web", namespace: "default", uid: "set-uid", generation: 1 },
    spec: {
      replicas,
      minReadySeconds: parts.minReadySeconds ?? 0,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: parts.labels ?? { app: "web" } },
        spec: { containers: [{ name: "main", image: "web:1" }] },
      },
    },
  });

const activePods = (world: ControlWorld): readonly Pod[] =>
  world.view
    .list("Pod")
    .map(({ object }) => object)
    .filter(isPodActive);

const statusOf = (world: ControlWorld) => world.view.get("ReplicaSet", "default", "web")?.status;

const setReplicas = (world: ControlWorld, replicas: number): Promise<void> =>
  world.edit("ReplicaSet", "web", (set) => ReplicaSet.fromPartial({ ...set, spec: { ...set.spec, replicas } }));

async function setReady(world: ControlWorld, pod: Pod, status: string): Promise<void> {
  const lastTransitionTime = new Date(world.clock.nowMs()).toISOString();
  await world.edit("Pod", metaOf(pod).name, (live) => ({
    ...Pod.fromPartial({ ...live, spec: { ...live.spec, nodeName: "node-a" } }),
    status: Pod.fromPartial({
      status: { phase: "Running", conditions: [{ type: "Ready", status, lastTransitionTime }] },
    }).status,
  }));
}

test("a replica set gets its pods, named, labelled, owned and pending", async () => {
  const world = await newWorld();
  await world.put({ kind: "ReplicaSet", object: setOf(3) });
  await world.converge();
  const pods = activePods(world);
  expect(pods).toHaveLength(3);
  for (const pod of pods) {
    expect(pod.metadata?.name).toMatch(/^web-[a-z0-9]{5}$/);
    expect(pod.metadata?.labels).toEqual({ app: "web" });
    expect(pod.metadata?.ownerReferences[0]).toMatchObject({ kind: "ReplicaSet", uid: "set-uid", controller: true });
    expect(pod.status).toMatchObject({ phase: "Pending", qosClass: "BestEffort" });
    expect(pod.spec).toMatchObject({ restartPolicy: "Always", terminationGracePeriodSeconds: 30 });
    expect(pod.spec?.containers[0]?.image).toBe("web:1");
  }
  expect(new Set(pods.map((pod) => pod.metadata?.uid)).size).toBe(3);
  expect(statusOf(world)).toMatchObject({ replicas: 3, readyReplicas: 0, nextOrdinal: 3, observedGeneration: 1 });
});

test("0 to 1,000 pods: whole transactions, each with the ordinal that it spends", async () => {
  const world = await newWorld();
  const sizes: number[] = [];
  world.gate.before = ({ writes, guard }) => {
    expect(guard).toEqual(world.guard);
    sizes.push(writes.length);
    return undefined;
  };
  await world.put({ kind: "ReplicaSet", object: setOf(1_000) });
  await world.converge();
  expect(activePods(world)).toHaveLength(1_000);
  expect(sizes.filter((size) => size === 100)).toHaveLength(10);
  expect(statusOf(world)).toMatchObject({ replicas: 1_000, nextOrdinal: 1_000 });
  expect(world.clock.monotonicMs()).toBeLessThan(1_500);
});

test("an ordinal is never used again: pods made after a scale down have new names", async () => {
  const world = await newWorld();
  await world.put({ kind: "ReplicaSet", object: setOf(5) });
  await world.converge();
  const first = activePods(world).map((pod) => metaOf(pod).name);
  await setReplicas(world, 0);
  await world.converge();
  expect(activePods(world)).toHaveLength(0);
  await setReplicas(world, 5);
  await world.converge();
  const second = activePods(world).map((pod) => metaOf(pod).name);
  expect(second.filter((name) => first.includes(name))).toEqual([]);
  expect(statusOf(world)?.nextOrdinal).toBe(10);
});

test("a name that somebody else took is passed over", async () => {
  const world = await newWorld();
  const [planned] = replicaSet
    .reconcile(
      { kind: "ReplicaSet", namespace: "default", name: "web" },
      viewOf([{ kind: "ReplicaSet", object: setOf(1) }]),
      {
        nowMs: 0,
        monotonicMs: 0,
        newUid: () => "uid",
      },
    )
    .writes.flatMap((write) => (write.op === "put" && write.typed.kind === "Pod" ? [write.typed.object] : []));
  const squatter = Pod.fromPartial({
    metadata: { name: metaOf(planned ?? {}).name, namespace: "default", uid: "other" },
  });
  await world.put({ kind: "Pod", object: squatter });
  await world.put({ kind: "ReplicaSet", object: setOf(2) });
  await world.converge();
  const own = activePods(world).filter((pod) => pod.metadata?.uid !== "other");
  expect(own).toHaveLength(2);
  expect(statusOf(world)).toMatchObject({ replicas: 2, nextOrdinal: 3 });
});

test("pods that run are deleted gracefully, those that are not bound at once; the worst first", async () => {
  const world = await newWorld();
  await world.put({ kind: "ReplicaSet", object: setOf(4) });
  await world.converge();
  const [a, b, c] = activePods(world);
  if (a === undefined || b === undefined || c === undefined) throw new Error("wanted pods");
  await setReady(world, a, "True");
  await setReady(world, b, "True");
  await setReady(world, c, "False");
  await setReplicas(world, 1);
  await world.converge();
  const left = world.view.list("Pod").map(({ object }) => object);
  expect(left).toHaveLength(3);
  expect(left.find((pod) => metaOf(pod).name === metaOf(c).name)).toSatisfy(isDeleting);
  expect(activePods(world)).toHaveLength(1);
  expect([metaOf(a).name, metaOf(b).name]).toContain(activePods(world)[0]?.metadata?.name);
  expect(statusOf(world)).toMatchObject({ replicas: 1, readyReplicas: 1, terminatingReplicas: 2 });
});

test("a pod counts as available once it was ready for minReadySeconds, without any event", async () => {
  const world = await newWorld();
  await world.put({ kind: "ReplicaSet", object: setOf(1, { minReadySeconds: 10 }) });
  await world.converge();
  const [pod] = activePods(world);
  if (pod === undefined) throw new Error("wanted a pod");
  await setReady(world, pod, "True");
  await world.clock.advance(9_000);
  expect(statusOf(world)).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
  await world.clock.advance(1_100);
  expect(statusOf(world)).toMatchObject({ readyReplicas: 1, availableReplicas: 1 });
});

test("a pod whose label was taken away is released and replaced; given back, it is adopted and one too many goes", async () => {
  const world = await newWorld();
  await world.put({ kind: "ReplicaSet", object: setOf(2) });
  await world.converge();
  const [aside] = activePods(world);
  const name = metaOf(aside ?? {}).name;
  const label = (labels: Record<string, string>) =>
    world.edit("Pod", name, (pod) => ({ ...pod, metadata: { ...metaOf(pod), labels } }));
  await label({ app: "debug" });
  await world.converge();
  expect(world.view.get("Pod", "default", name)?.metadata?.ownerReferences).toEqual([]);
  expect(activePods(world)).toHaveLength(3);
  await label({ app: "web" });
  await world.converge();
  expect(activePods(world)).toHaveLength(2);
});

test("a finished pod is replaced and kept for inspection", async () => {
  const world = await newWorld();
  await world.put({ kind: "ReplicaSet", object: setOf(1) });
  await world.converge();
  const [pod] = activePods(world);
  await world.edit("Pod", metaOf(pod ?? {}).name, (live) => ({
    ...live,
    status: Pod.fromPartial({ status: { phase: "Failed" } }).status,
  }));
  await world.converge();
  expect(activePods(world)).toHaveLength(1);
  expect(world.view.list("Pod")).toHaveLength(2);
});

test("nothing is created in a namespace that is being deleted", async () => {
  const world = await newWorld();
  const going = { name: "default", deletionTimestamp: "2030-01-01T00:00:00Z" };
  await world.put({ kind: "Namespace", object: Namespace.fromPartial({ metadata: going }) });
  await world.put({ kind: "ReplicaSet", object: setOf(3) });
  await world.converge();
  expect(world.view.list("Pod")).toHaveLength(0);
});

const edit = fc.oneof(
  fc.record({ do: fc.constant("scale" as const), replicas: fc.nat({ max: 8 }) }),
  fc.record({ do: fc.constant("lose" as const), at: fc.nat({ max: 7 }) }),
  fc.record({ do: fc.constant("ready" as const), at: fc.nat({ max: 7 }), status: fc.constantFrom("True", "False") }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.nat({ max: 40 }) }),
);

test("any sequence of edits ends with the pods last asked for, and then nothing is written any more", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 15 }), async (edits) => {
      const world = await newWorld();
      await world.put({ kind: "ReplicaSet", object: setOf(2) });
      let wanted = 2;
      for (const each of edits) {
        const pods = activePods(world);
        const pod = "at" in each ? pods[each.at % Math.max(1, pods.length)] : undefined;
        if (each.do === "scale") {
          wanted = each.replicas;
          await setReplicas(world, wanted);
        } else if (each.do === "wait") await world.clock.advance(each.ms);
        else if (pod !== undefined && each.do === "lose")
          await world.drop({ kind: "Pod", namespace: "default", name: metaOf(pod).name });
        else if (pod !== undefined && each.do === "ready") await setReady(world, pod, each.status);
        await world.clock.advance(0);
      }
      await setReplicas(world, wanted);
      await world.converge();
      expect(activePods(world)).toHaveLength(wanted);
      expect(statusOf(world)?.replicas).toBe(wanted);
      const { revision } = world.view;
      await world.clock.advance(60_000);
      expect(world.view.revision).toBe(revision);
      world.stop.abort();
    }),
    { seed: 11, numRuns: 60 },
  );
});

test("later pods of a revision run the bytes of its first, and one that got others is named until it is gone", async () => {
  const world = await newWorld();
  await world.put({ kind: "ReplicaSet", object: setOf(2) });
  await world.converge();
  const [first, second] = [...activePods(world)].sort((a, b) => (metaOf(a).name < metaOf(b).name ? -1 : 1));
  if (first === undefined || second === undefined) throw new Error("two pods are wanted");
  expect([pinOf(first), pinOf(second)]).toEqual([undefined, undefined]);
  await runsImage(world, first, `web:1@sha256:${"a".repeat(64)}`);
  await world.converge();
  await runsImage(world, second, `web:1@sha256:${"b".repeat(64)}`);
  await world.converge();
  expect(statusOf(world)?.images).toEqual({ main: `web:1@sha256:${"a".repeat(64)}` });
  const moved = () => statusOf(world)?.conditions.find(({ type }) => type === "ImageMoved");
  expect(moved()).toMatchObject({ status: "True", message: expect.stringContaining(metaOf(second).name) });
  await setReplicas(world, 3);
  await world.converge();
  const third = activePods(world).find((pod) => pinOf(pod) !== undefined);
  expect(third && pinOf(third)).toBe(`main=sha256:${"a".repeat(64)}`);
  await runsImage(world, second, `web:1@sha256:${"a".repeat(64)}`);
  await world.converge();
  expect(moved()).toBeUndefined();
});

test("a template that does not pin leaves each pod what its tag stands for then", async () => {
  const world = await newWorld();
  const set = setOf(1);
  const annotations = { "tallship.dev/pin-images": "false" };
  const metadata = { ...set.spec?.template?.metadata, annotations };
  const spec = { ...set.spec, template: { ...set.spec?.template, metadata } };
  await world.put({ kind: "ReplicaSet", object: ReplicaSet.fromPartial({ ...set, spec }) });
  await world.converge();
  for (const pod of activePods(world)) await runsImage(world, pod, `web:1@sha256:${"a".repeat(64)}`);
  await world.converge();
  await setReplicas(world, 2);
  await world.converge();
  expect(activePods(world).map(pinOf)).toEqual([undefined, undefined]);
  expect(statusOf(world)?.images).toEqual({});
});
