import fc from "fast-check";
import { expect, test } from "vitest";
import { deletionOf, type Propagation } from "../../kinds/deletion.js";
import { metaOf, type Typed } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { Deployment } from "../../proto/gen/tallship/v1/deployment.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { ReplicaSet } from "../../proto/gen/tallship/v1/replicaset.js";
import type { ControlWorld } from "../../test/kit/control-world.js";
import { worldOfTest } from "../../test/kit/world-of-test.js";
import { ownerCollector } from "./owner-collector.js";

async function newWorld(): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([ownerCollector()]);
  return world;
}

interface Owner {
  readonly kind: string;
  readonly name: string;
  readonly uid?: string;
  readonly controller?: boolean;
  readonly blocks?: boolean;
  readonly apiVersion?: string;
}

function metaFor(name: string, owners: readonly Owner[] = [], uid = `uid-${name}`) {
  const ownerReferences = owners.map((owner) => ({
    apiVersion: owner.apiVersion ?? (owner.kind === "ConfigMap" ? "v1" : "apps/v1"),
    kind: owner.kind,
    name: owner.name,
    uid: owner.uid ?? `uid-${owner.name}`,
    controller: owner.controller ?? true,
    blockOwnerDeletion: owner.blocks ?? true,
  }));
  return { name, namespace: "default", uid, ownerReferences };
}

const deploymentOf = (name: string): Typed => ({
  kind: "Deployment",
  object: Deployment.fromPartial({ metadata: metaFor(name) }),
});
const setOf = (name: string, ...owners: Owner[]): Typed => ({
  kind: "ReplicaSet",
  object: ReplicaSet.fromPartial({ metadata: metaFor(name, owners) }),
});
const podOf = (name: string, nodeName: string, ...owners: Owner[]): Typed => ({
  kind: "Pod",
  object: Pod.fromPartial({ metadata: metaFor(name, owners), spec: { nodeName } }),
});
const mapOf = (name: string, ...owners: Owner[]): Typed => ({
  kind: "ConfigMap",
  object: ConfigMap.fromPartial({ metadata: metaFor(name, owners) }),
});

/** Deployment web with a set and two pods, one of them bound. */
async function family(world: ControlWorld): Promise<void> {
  await world.put(deploymentOf("web"));
  await world.put(setOf("web-1", { kind: "Deployment", name: "web" }));
  await world.put(podOf("free", "", { kind: "ReplicaSet", name: "web-1" }));
  await world.put(podOf("bound", "node-a", { kind: "ReplicaSet", name: "web-1" }));
  await world.converge();
}

/** What the API's Delete does. */
async function deleteObject(
  world: ControlWorld,
  kind: "Deployment" | "ReplicaSet" | "ConfigMap",
  name: string,
  propagation?: Propagation,
): Promise<void> {
  const cached = world.view.cached(kind, "default", name);
  const deletion = deletionOf({ kind, object: cached?.object } as Typed, { nowMs: world.clock.nowMs(), propagation });
  if (deletion.is === "remove") await world.drop({ kind, namespace: "default", name });
  if (deletion.is === "mark") await world.put(deletion.typed);
}

/** The agent has stopped a pod that was to go. */
const agentStops = async (world: ControlWorld, name: string): Promise<void> => {
  expect(world.view.get("Pod", "default", name)).toSatisfy(isDeleting);
  await world.drop({ kind: "Pod", namespace: "default", name });
};

const left = ({ view }: ControlWorld): readonly string[] =>
  [...view.list("Deployment"), ...view.list("ReplicaSet"), ...view.list("Pod"), ...view.list("ConfigMap")].map(
    ({ object }) => `${metaOf(object).name}${isDeleting(object) ? " (going)" : ""}`,
  );

test("background: the owner goes at once and everything below it follows, each by its own rules", async () => {
  const world = await newWorld();
  await family(world);
  await deleteObject(world, "Deployment", "web");
  await world.converge();
  expect(left(world)).toEqual(["bound (going)"]);
});

test("foreground: the owner stays until the last thing that blocks it is gone", async () => {
  const world = await newWorld();
  await family(world);
  await deleteObject(world, "Deployment", "web", "foreground");
  await world.converge();
  expect(left(world)).toEqual(["web (going)", "web-1 (going)", "bound (going)"]);
  await agentStops(world, "bound");
  await world.converge();
  expect(left(world)).toEqual([]);
});

test("orphan: what it owned stays and names nobody", async () => {
  const world = await newWorld();
  await family(world);
  await deleteObject(world, "Deployment", "web", "orphan");
  await world.converge();
  expect(left(world)).toEqual(["web-1", "bound", "free"]);
  expect(world.view.get("ReplicaSet", "default", "web-1")?.metadata?.ownerReferences).toEqual([]);
  expect(world.view.get("Pod", "default", "free")?.metadata?.ownerReferences).toHaveLength(1);
});

test("what has another owner stays, and names only that one", async () => {
  for (const propagation of ["background", "foreground"] as const) {
    const world = await newWorld();
    await world.put(mapOf("first"));
    await world.put(mapOf("second"));
    const owners = ["first", "second"].map((name) => ({ kind: "ConfigMap", name, controller: false }));
    await world.put(mapOf("shared", ...owners));
    await world.converge();
    await deleteObject(world, "ConfigMap", "first", propagation);
    await world.converge();
    expect(left(world)).toEqual(["second", "shared"]);
    expect(world.view.get("ConfigMap", "default", "shared")?.metadata?.ownerReferences).toMatchObject([
      { name: "second" },
    ]);
    await deleteObject(world, "ConfigMap", "second", propagation);
    await world.converge();
    expect(left(world)).toEqual([]);
  }
});

test("an owner of the same name with another uid is not the owner", async () => {
  const world = await newWorld();
  await world.put(deploymentOf("web"));
  await world.put(setOf("web-1", { kind: "Deployment", name: "web", uid: "an-earlier-web" }));
  await world.converge();
  expect(left(world)).toEqual(["web"]);
});

test("an owner of a kind that is not known here counts as there", async () => {
  const world = await newWorld();
  await world.put(mapOf("a", { kind: "Widget", name: "w", apiVersion: "example.com/v1" }));
  await world.put(mapOf("b", { kind: "Deployment", name: "w", apiVersion: "example.com/v1" }));
  await world.converge();
  expect(left(world)).toEqual(["a", "b"]);
});

test("a thousand pods of a deleted set go in whole transactions", async () => {
  const world = await newWorld();
  await world.put(setOf("web-1"));
  for (let at = 0; at < 1_000; at += 1)
    await world.put(podOf(`pod-${at}`, at % 2 === 0 ? "node-a" : "", { kind: "ReplicaSet", name: "web-1" }));
  await world.converge();
  let transactions = 0;
  world.gate.before = () => {
    transactions += 1;
    return undefined;
  };
  await deleteObject(world, "ReplicaSet", "web-1");
  await world.converge();
  expect(world.view.list("Pod").filter(({ object }) => !isDeleting(object))).toEqual([]);
  expect(world.view.list("Pod")).toHaveLength(500);
  expect(transactions).toBeLessThanOrEqual(11);
});

test("what is marked and held by nothing any more is removed", async () => {
  const world = await newWorld();
  await world.put(mapOf("held"));
  await world.edit("ConfigMap", "held", (map) => ({
    ...map,
    metadata: { ...metaOf(map), deletionTimestamp: "2030-01-01T00:00:00Z", finalizers: ["example.com/hold"] },
  }));
  await world.converge();
  expect(left(world)).toEqual(["held (going)"]);
  await world.edit("ConfigMap", "held", (map) => ({ ...map, metadata: { ...metaOf(map), finalizers: [] } }));
  await world.converge();
  expect(left(world)).toEqual([]);
});

const edge = fc.record({ child: fc.nat({ max: 5 }), parent: fc.nat({ max: 5 }), controller: fc.boolean() });
const deletion = fc.record({
  at: fc.nat({ max: 5 }),
  propagation: fc.constantFrom<Propagation>("background", "foreground", "orphan"),
});

test("whatever the tree and the order of deletes: in the end nothing waits, and what is left has an owner that is there or none", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(edge, { maxLength: 8 }),
      fc.array(deletion, { maxLength: 6 }),
      async (edges, deletions) => {
        const world = await newWorld();
        for (let child = 5; child >= 0; child -= 1) {
          const parents = edges.filter((each) => each.child === child && each.parent > child);
          const unique = [...new Map(parents.map((each) => [each.parent, each])).values()];
          const owners = unique.map((each, at) => ({
            kind: "ConfigMap",
            name: `map-${each.parent}`,
            controller: each.controller && at === 0,
          }));
          await world.put(mapOf(`map-${child}`, ...owners));
        }
        for (const { at, propagation } of deletions)
          if (world.view.get("ConfigMap", "default", `map-${at}`) !== undefined)
            await deleteObject(world, "ConfigMap", `map-${at}`, propagation);
        await world.converge();
        const uids = new Set(world.view.list("ConfigMap").map(({ object }) => metaOf(object).uid));
        for (const { object } of world.view.list("ConfigMap")) {
          expect(isDeleting(object)).toBe(false);
          for (const { uid } of metaOf(object).ownerReferences) expect(uids).toContain(uid);
        }
        world.stop.abort();
      },
    ),
    { seed: 19, numRuns: 150 },
  );
});
