import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { rfc3339 } from "../../../lib/clock.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { StatefulSet, type StatefulSetSpec } from "../../../proto/gen/tallship/v1/statefulset.js";
import { type ControlWorld, contentDigest, controlWorld } from "../../../test/kit/control-world.js";
import { ownerCollector } from "../owner-collector.js";
import { podCollector } from "../pod-collector.js";
import { statefulSet } from "./stateful-set.js";

async function newWorld(seed = 1): Promise<ControlWorld> {
  const world = await controlWorld(seed);
  world.run([statefulSet(contentDigest), ownerCollector(), podCollector]);
  const label = { "kubernetes.io/hostname": "node-a" };
  await world.put({
    kind: "Node",
    object: Node.fromPartial({ metadata: { name: "node-a", uid: "n", labels: label } }),
  });
  return world;
}

type Parts = Parameters<typeof StatefulSetSpec.fromPartial>[0];

const readinessProbe = { exec: { command: ["true"] } };

function setOf(image: string, parts: Parts = {}): StatefulSet {
  return StatefulSet.fromPartial({
    metadata: { name: "db", namespace: "default", uid: "set-uid", generation: 1 },
    spec: {
      replicas: 3,
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: { containers: [{ name: "main", image, readinessProbe }] },
      },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      ...parts,
    },
  });
}

const withClaims: Parts = {
  volumeClaimTemplates: [
    {
      metadata: { name: "data", labels: { kind: "disk" } },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    },
  ],
};

const pods = (world: ControlWorld): readonly Pod[] => world.view.list("Pod").map(({ object }) => object);
const names = (world: ControlWorld): readonly string[] => pods(world).map((pod) => metaOf(pod).name);
const images = (world: ControlWorld) => pods(world).map((pod) => pod.spec?.containers[0]?.image);
const claims = (world: ControlWorld): readonly string[] =>
  world.view.list("PersistentVolumeClaim").map(({ object }) => metaOf(object).name);
const statusOf = (world: ControlWorld) => world.view.get("StatefulSet", "default", "db")?.status;

/** What a node does: runs every pod, and ends those that are to go. Returns whether there was anything to do. */
async function play(world: ControlWorld, isBroken: (pod: Pod) => boolean = () => false): Promise<boolean> {
  let acted = false;
  for (const pod of pods(world)) {
    const { name, namespace } = metaOf(pod);
    if (isDeleting(pod)) {
      await world.drop({ kind: "Pod", namespace, name });
      acted = true;
      continue;
    }
    const status = isBroken(pod) ? "False" : "True";
    if (pod.status?.conditions.some((each) => each.type === "Ready" && each.status === status)) continue;
    const waiting = { name: "main", state: { waiting: { reason: "ImagePullBackOff" } } };
    await world.edit("Pod", name, (live) => ({
      ...Pod.fromPartial({ ...live, spec: { ...live.spec, nodeName: "node-a" } }),
      status: Pod.fromPartial({
        status: {
          phase: isBroken(pod) ? "Pending" : "Running",
          conditions: [{ type: "Ready", status, lastTransitionTime: rfc3339(world.clock.nowMs()) }],
          containerStatuses: isBroken(pod) ? [waiting] : [],
        },
      }).status,
    }));
    acted = true;
  }
  await world.converge();
  return acted;
}

/** Lets controllers and node take turns until both rest; `each` is asked after every turn. */
async function settle(world: ControlWorld, each: () => void = () => undefined, isBroken?: (pod: Pod) => boolean) {
  await world.converge();
  for (let turn = 0; turn < 200; turn += 1) {
    each();
    if (!(await play(world, isBroken))) return;
  }
  throw new Error("the set does not come to rest");
}

const edit = (world: ControlWorld, change: (spec: StatefulSetSpec) => Parts): Promise<void> =>
  world.edit("StatefulSet", "db", (live) => {
    const spec = live.spec ?? setOf("").spec;
    if (spec === undefined) return live;
    const next = StatefulSet.fromPartial({ ...live, spec: change(spec) });
    return { ...next, metadata: { ...metaOf(live), generation: metaOf(live).generation + 1 } };
  });

const setImage = (world: ControlWorld, image: string): Promise<void> =>
  edit(world, (spec) => {
    const before = spec.template;
    const containers = (before?.spec?.containers ?? []).map((each) => ({ ...each, image }));
    return { ...spec, template: { ...before, spec: { ...before?.spec, containers } } };
  });

test("pods come one by one, with their names, labels, host names and claims", async () => {
  const world = await newWorld();
  await world.put({ kind: "StatefulSet", object: setOf("db:1", withClaims) });
  const seen: string[] = [];
  await settle(world, () => void seen.push(names(world).join(" ")));
  expect([...new Set(seen)]).toEqual(["db-0", "db-0 db-1", "db-0 db-1 db-2"]);
  expect(claims(world)).toEqual(["data-db-0", "data-db-1", "data-db-2"]);
  const second = world.view.get("Pod", "default", "db-1");
  expect(second?.metadata?.labels).toMatchObject({
    app: "db",
    "statefulset.kubernetes.io/pod-name": "db-1",
    "apps.kubernetes.io/pod-index": "1",
    "controller-revision-hash": statusOf(world)?.updateRevision,
  });
  expect(second?.spec).toMatchObject({ hostname: "db-1", subdomain: "db" });
  expect(second?.spec?.volumes).toMatchObject([{ name: "data", persistentVolumeClaim: { claimName: "data-db-1" } }]);
  const claim = world.view.get("PersistentVolumeClaim", "default", "data-db-1");
  expect(claim?.metadata).toMatchObject({ labels: { app: "db", kind: "disk" }, ownerReferences: [] });
  expect(statusOf(world)).toMatchObject({
    replicas: 3,
    readyReplicas: 3,
    currentReplicas: 3,
    updatedReplicas: 3,
    availableReplicas: 3,
    observedGeneration: 1,
  });
  expect(statusOf(world)?.currentRevision).toBe(statusOf(world)?.updateRevision);
});

test("a new template goes from the highest number down to the partition, and all the way without one", async () => {
  const world = await newWorld();
  await world.put({ kind: "StatefulSet", object: setOf("db:1") });
  await settle(world);
  await edit(world, (spec) => ({
    ...spec,
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } },
  }));
  await setImage(world, "db:2");
  const seen: string[] = [];
  await settle(world, () => void seen.push(images(world).join(" ")));
  expect([...new Set(seen)].filter((line) => line.split(" ").length === 3)).toEqual([
    "db:1 db:1 db:1",
    "db:1 db:1 db:2",
    "db:1 db:2 db:2",
  ]);
  const half = statusOf(world);
  expect(half).toMatchObject({ currentReplicas: 1, updatedReplicas: 2 });
  expect(half?.currentRevision).not.toBe(half?.updateRevision);
  // A pod below the partition comes back as it was.
  await world.drop({ kind: "Pod", namespace: "default", name: "db-0" });
  await settle(world);
  expect(images(world)).toEqual(["db:1", "db:2", "db:2"]);
  await edit(world, (spec) => ({
    ...spec,
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
  }));
  await settle(world);
  expect(images(world)).toEqual(["db:2", "db:2", "db:2"]);
  expect(statusOf(world)?.currentRevision).toBe(half?.updateRevision);
});

test("a return to an old template finds its revision, and history is kept to its limit", async () => {
  const world = await newWorld();
  await world.put({ kind: "StatefulSet", object: setOf("db:1", { replicas: 1, revisionHistoryLimit: 1 }) });
  await settle(world);
  const first = statusOf(world)?.updateRevision;
  for (const image of ["db:2", "db:3", "db:4"]) {
    await setImage(world, image);
    await settle(world);
  }
  expect(world.view.list("ControllerRevision").map(({ object }) => object.revision)).toHaveLength(2);
  await setImage(world, "db:3");
  await settle(world);
  expect(images(world)).toEqual(["db:3"]);
  expect(world.view.list("ControllerRevision").map(({ object }) => object.revision)).toContain(5);
  expect(statusOf(world)?.updateRevision).not.toBe(first);
});

test("an update takes no further pod away for one that no probe asks in the moment in which it runs, and does once that has run a while", async () => {
  const world = await newWorld();
  const template = { metadata: { labels: { app: "db" } }, spec: { containers: [{ name: "main", image: "db:1" }] } };
  await world.put({ kind: "StatefulSet", object: setOf("db:1", { template }) });
  await settle(world);
  await setImage(world, "db:2");
  await settle(world);
  // What the status counts is as in Kubernetes.
  expect([images(world), statusOf(world)?.availableReplicas]).toEqual([["db:1", "db:1", "db:2"], 3]);
  for (let crash = 0; crash < 3; crash += 1) {
    await settle(world, undefined, (pod) => pod.spec?.containers[0]?.image === "db:2");
    await world.clock.advance(10_000);
    await settle(world);
    expect(images(world)).toEqual(["db:1", "db:1", "db:2"]);
  }
  for (let step = 0; step < 2; step += 1) {
    await world.clock.advance(3_000);
    await settle(world);
  }
  expect(images(world)).toEqual(["db:2", "db:2", "db:2"]);
});

test("a broken template is mended by a good one", async () => {
  const world = await newWorld();
  await world.put({ kind: "StatefulSet", object: setOf("db:bad") });
  const isBroken = (pod: Pod): boolean => pod.spec?.containers[0]?.image === "db:bad";
  await settle(world, undefined, isBroken);
  expect(names(world)).toEqual(["db-0"]);
  await setImage(world, "db:2");
  await settle(world, undefined, isBroken);
  expect(images(world)).toEqual(["db:2", "db:2", "db:2"]);
});

describe("what becomes of claims", () => {
  const rows = [
    {
      whenDeleted: "Retain",
      whenScaled: "Retain",
      scaled: ["data-db-0", "data-db-1"],
      deleted: ["data-db-0", "data-db-1"],
    },
    { whenDeleted: "Retain", whenScaled: "Delete", scaled: ["data-db-0"], deleted: ["data-db-0"] },
    { whenDeleted: "Delete", whenScaled: "Retain", scaled: ["data-db-0", "data-db-1"], deleted: [] },
    { whenDeleted: "Delete", whenScaled: "Delete", scaled: ["data-db-0"], deleted: [] },
  ];
  test.each(rows)("deleted $whenDeleted, scaled $whenScaled", async ({ whenDeleted, whenScaled, scaled, deleted }) => {
    const world = await newWorld();
    const persistentVolumeClaimRetentionPolicy = { whenDeleted, whenScaled };
    const object = setOf("db:1", { ...withClaims, replicas: 2, persistentVolumeClaimRetentionPolicy });
    await world.put({ kind: "StatefulSet", object });
    await settle(world);
    await edit(world, (spec) => ({ ...spec, replicas: 1 }));
    await settle(world);
    expect(names(world)).toEqual(["db-0"]);
    const standing = (): readonly string[] =>
      world.view
        .list("PersistentVolumeClaim")
        .filter((each) => !isDeleting(each.object))
        .map((each) => metaOf(each.object).name);
    expect(standing()).toEqual(scaled);
    await world.drop({ kind: "StatefulSet", namespace: "default", name: "db" });
    await settle(world);
    expect(names(world)).toEqual([]);
    expect(standing()).toEqual(deleted);
  });
});

test("a pod on a node that is unreachable is waited for, and the set says so", async () => {
  const world = await newWorld();
  await world.put({ kind: "StatefulSet", object: setOf("db:1", { replicas: 2, podManagementPolicy: "Parallel" }) });
  await settle(world);
  const taints = [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }];
  await world.edit("Node", "node-a", (node) => Node.fromPartial({ ...node, spec: { taints } }));
  const uid = world.view.get("Pod", "default", "db-1")?.metadata?.uid;
  await world.edit("Pod", "db-1", (pod) => ({
    ...pod,
    metadata: { ...metaOf(pod), deletionTimestamp: "2030-01-01T00:00:00Z", deletionGracePeriodSeconds: 30 },
  }));
  await world.clock.advance(3_600_000);
  expect(world.view.get("Pod", "default", "db-1")?.metadata?.uid).toBe(uid);
  expect(statusOf(world)?.conditions).toMatchObject([
    { type: "PodWaitsForNode", status: "True", reason: "NodeUnreachable" },
  ]);
  // Somebody says that the node is gone for good: its pods are gone, and come anew.
  await world.drop({ kind: "Node", namespace: "", name: "node-a" });
  await world.converge();
  expect(world.view.get("Pod", "default", "db-1")?.metadata?.uid).not.toBe(uid);
  expect(statusOf(world)?.conditions).toEqual([]);
});

test("numbers start where the user says, and a pod of somebody else is left alone", async () => {
  const world = await newWorld();
  const other = Pod.fromPartial({ metadata: { name: "db-6", namespace: "default", uid: "other" } });
  await world.put({ kind: "Pod", object: other });
  await world.put({
    kind: "StatefulSet",
    object: setOf("db:1", { ordinals: { start: 5 }, podManagementPolicy: "Parallel" }),
  });
  await world.converge();
  expect(names(world)).toEqual(["db-5", "db-6", "db-7"]);
  expect(world.view.get("Pod", "default", "db-6")?.metadata?.uid).toBe("other");
  await world.drop({ kind: "Pod", namespace: "default", name: "db-6" });
  await world.converge();
  expect(world.view.get("Pod", "default", "db-6")?.metadata?.ownerReferences).toMatchObject([{ uid: "set-uid" }]);
});

test("more pods and claims than one transaction holds", async () => {
  const world = await newWorld();
  const object = setOf("db:1", { ...withClaims, replicas: 250, podManagementPolicy: "Parallel" });
  await world.put({ kind: "StatefulSet", object });
  await world.converge();
  expect(pods(world)).toHaveLength(250);
  expect(claims(world)).toHaveLength(250);
});

const change = fc.oneof(
  fc.record({ do: fc.constant("scale" as const), replicas: fc.nat({ max: 5 }) }),
  fc.record({ do: fc.constant("image" as const), image: fc.constantFrom("db:1", "db:2", "db:3") }),
  fc.record({ do: fc.constant("lose" as const), at: fc.nat({ max: 5 }) }),
  fc.record({ do: fc.constant("start" as const), start: fc.nat({ max: 2 }) }),
  fc.record({ do: fc.constant("play" as const) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.nat({ max: 40 }) }),
);

test("any sequence of edits ends with the pods last asked for, in order all the way, and then nothing is written any more", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 12 }), fc.boolean(), async (changes, isOrdered) => {
      const world = await newWorld();
      const podManagementPolicy = isOrdered ? "OrderedReady" : "Parallel";
      await world.put({ kind: "StatefulSet", object: setOf("db:1", { ...withClaims, podManagementPolicy }) });
      let [image, replicas, start] = ["db:1", 3, 0];
      for (const each of changes) {
        if (each.do === "scale") replicas = each.replicas;
        if (each.do === "start") start = each.start;
        if (each.do === "image") image = each.image;
        if (each.do === "wait") await world.clock.advance(each.ms);
        if (each.do === "play") await play(world);
        const lost = each.do === "lose" ? names(world)[each.at] : undefined;
        if (lost !== undefined) await world.drop({ kind: "Pod", namespace: "default", name: lost });
        if (each.do === "scale" || each.do === "start")
          await edit(world, (spec) => ({ ...spec, replicas, ordinals: { start } }));
        if (each.do === "image") await setImage(world, image);
      }
      await settle(world);
      expect(names(world)).toEqual(Array.from({ length: replicas }, (_, at) => `db-${start + at}`));
      expect(images(world)).toEqual(Array.from({ length: replicas }, () => image));
      const { revision } = world.view;
      await world.clock.advance(60_000);
      expect(world.view.revision).toBe(revision);
      world.stop.abort();
    }),
    { seed: 5, numRuns: 40 },
  );
}, 60_000);
