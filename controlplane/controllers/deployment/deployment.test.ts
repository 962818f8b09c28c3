import fc from "fast-check";
import { expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting, isPodReady } from "../../../kinds/pod-state.js";
import { ReplicaSet } from "../../../proto/gen/tallship/v1/replicaset.js";
import {
  active,
  change,
  condition,
  deploymentOf,
  finish,
  imageOf,
  newWorld,
  pods,
  run,
  serve,
  sets,
  sizes,
  status,
  watchBounds,
} from "../../../test/kit/deployment-world.js";

test("a deployment gets a replica set named by its template, pods, and the status that kubectl's users know", async () => {
  const world = await newWorld();
  await world.put({ kind: "Deployment", object: deploymentOf() });
  await finish(world);
  const [set] = sets(world);
  expect(set?.metadata?.name).toMatch(/^web-[a-z0-9]{10}$/);
  const hash = set?.metadata?.labels["pod-template-hash"];
  expect(set?.metadata?.name).toBe(`web-${hash}`);
  expect(set?.spec?.selector?.matchLabels).toEqual({ app: "web", "pod-template-hash": hash });
  expect(set?.metadata?.annotations).toMatchObject({ team: "blue", "deployment.kubernetes.io/revision": "1" });
  expect(active(world)).toHaveLength(3);
  for (const pod of active(world)) expect(pod.metadata?.labels).toEqual({ app: "web", "pod-template-hash": hash });
  expect(status(world)).toMatchObject({
    observedGeneration: 1,
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    unavailableReplicas: 0,
  });
  expect(condition(world, "Available")).toMatchObject({ status: "True", reason: "MinimumReplicasAvailable" });
  expect(condition(world, "Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
  expect(world.notices.map(({ message }) => message)).toContain(`Scaled up replica set web-${hash} from 0 to 3`);
});

test("a changed template is rolled out, revision by revision; the old set is kept and taken again by a rollback", async () => {
  const world = await newWorld();
  await world.put({ kind: "Deployment", object: deploymentOf({ replicas: 4 }) });
  await finish(world);
  await change(world, { image: "web:2" });
  await world.converge();
  expect(condition(world, "Progressing")?.reason).toBe("ReplicaSetUpdated");
  await finish(world);
  expect(active(world).map(imageOf)).toEqual(["web:2", "web:2", "web:2", "web:2"]);
  expect(sizes(world)).toEqual({ "web:1": 0, "web:2": 4 });
  expect(world.view.get("Deployment", "default", "web")?.metadata?.annotations).toMatchObject({
    "deployment.kubernetes.io/revision": "2",
  });
  await change(world, { image: "web:1" });
  await finish(world);
  expect(sizes(world)).toEqual({ "web:1": 4, "web:2": 0 });
  expect(sets(world)).toHaveLength(2);
  const first = sets(world).find((set) => set.spec?.replicas === 4);
  expect(first?.metadata?.annotations).toMatchObject({
    "deployment.kubernetes.io/revision": "3",
    "deployment.kubernetes.io/revision-history": "1",
  });
});

test("a roll-out whose pods never become ready stops within its bounds and fails at its deadline", async () => {
  const world = await newWorld();
  const spec = { progressDeadlineSeconds: 60 };
  await world.put({ kind: "Deployment", object: deploymentOf({ replicas: 4, spec }) });
  await finish(world);
  await change(world, { image: "broken:1" });
  await world.converge();
  for (const pod of pods(world))
    if (isDeleting(pod)) await world.drop({ kind: "Pod", namespace: "default", name: metaOf(pod).name });
  await world.converge();
  expect(active(world).filter(isPodReady)).toHaveLength(3);
  expect(active(world)).toHaveLength(5);
  await world.clock.advance(55_000);
  expect(condition(world, "Progressing")).toMatchObject({ status: "True" });
  await world.clock.advance(10_000);
  expect(condition(world, "Progressing")).toMatchObject({ status: "False", reason: "ProgressDeadlineExceeded" });
  await change(world, { image: "web:2" });
  await finish(world);
  expect(condition(world, "Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
  expect(sizes(world)).toEqual({ "web:1": 0, "broken:1": 0, "web:2": 4 });
});

test("Recreate never runs two templates at a time", async () => {
  const world = await newWorld();
  await world.put({ kind: "Deployment", object: deploymentOf({ strategy: { type: "Recreate" } }) });
  await finish(world);
  await change(world, { image: "web:2" });
  await world.converge();
  expect(active(world)).toHaveLength(0);
  expect(pods(world).map(imageOf)).toEqual(["web:1", "web:1", "web:1"]);
  await finish(world);
  expect(active(world).map(imageOf)).toEqual(["web:2", "web:2", "web:2"]);
});

test("a paused deployment rolls nothing out but takes a new number of replicas; resumed, it goes on", async () => {
  const world = await newWorld();
  await world.put({ kind: "Deployment", object: deploymentOf() });
  await finish(world);
  await change(world, { image: "web:2", spec: { paused: true } });
  await finish(world);
  expect(sizes(world)).toEqual({ "web:1": 3 });
  expect(condition(world, "Progressing")).toMatchObject({ status: "Unknown", reason: "DeploymentPaused" });
  await change(world, { replicas: 5 });
  await finish(world);
  expect(sizes(world)).toEqual({ "web:1": 5 });
  await change(world, { spec: { paused: false } });
  await finish(world);
  expect(sizes(world)).toEqual({ "web:1": 0, "web:2": 5 });
  expect(condition(world, "Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
});

test("scaling in the midst of a roll-out keeps its proportions", async () => {
  const world = await newWorld();
  const strategy = {
    type: "RollingUpdate",
    rollingUpdate: {
      maxSurge: { value: { $case: "intVal", value: 3 } },
      maxUnavailable: { value: { $case: "intVal", value: 2 } },
    },
  };
  await world.put({ kind: "Deployment", object: deploymentOf({ replicas: 10, strategy }) });
  await finish(world);
  await change(world, { image: "broken:1" });
  await world.converge();
  for (const pod of pods(world))
    if (isDeleting(pod)) await world.drop({ kind: "Pod", namespace: "default", name: metaOf(pod).name });
  await world.converge();
  expect(sizes(world)).toEqual({ "web:1": 8, "broken:1": 5 });
  await change(world, { replicas: 15 });
  await world.converge();
  expect(sizes(world)).toEqual({ "web:1": 11, "broken:1": 7 });
});

test("earlier replica sets are kept up to the limit, the oldest go", async () => {
  const world = await newWorld();
  await world.put({ kind: "Deployment", object: deploymentOf({ replicas: 1, spec: { revisionHistoryLimit: 2 } }) });
  for (let version = 1; version <= 5; version += 1) {
    if (version > 1) await change(world, { image: `web:${version}` });
    await finish(world);
  }
  expect(sizes(world)).toEqual({ "web:3": 0, "web:4": 0, "web:5": 1 });
});

test("pods count only once they were ready for minReadySeconds, and the roll-out waits for it", async () => {
  const world = await newWorld();
  const strategy = {
    type: "RollingUpdate",
    rollingUpdate: {
      maxSurge: { value: { $case: "intVal", value: 1 } },
      maxUnavailable: { value: { $case: "intVal", value: 0 } },
    },
  };
  await world.put({
    kind: "Deployment",
    object: deploymentOf({ replicas: 2, strategy, spec: { minReadySeconds: 20 } }),
  });
  await finish(world);
  await world.clock.advance(25_000);
  expect(status(world)?.availableReplicas).toBe(2);
  await change(world, { image: "web:2" });
  await world.converge();
  await serve(world);
  await world.clock.advance(15_000);
  expect(active(world).map(imageOf).sort()).toEqual(["web:1", "web:1", "web:2"]);
  await world.clock.advance(10_000);
  expect(active(world).map(imageOf).sort()).toEqual(["web:1", "web:2", "web:2"]);
});

test("a set's name that is taken leads to another name", async () => {
  const world = await newWorld();
  await world.put({ kind: "Deployment", object: deploymentOf() });
  await world.converge();
  const taken = metaOf(sets(world)[0] ?? {}).name;
  const other = await newWorld();
  const foreign = {
    metadata: { name: taken, namespace: "default", uid: "other" },
    spec: { replicas: 0, selector: { matchLabels: { app: "other" } } },
  };
  await other.put({ kind: "ReplicaSet", object: ReplicaSet.fromPartial(foreign) });
  await other.put({ kind: "Deployment", object: deploymentOf() });
  await finish(other);
  expect(active(other)).toHaveLength(3);
  expect(status(other)?.collisionCount).toBe(1);
});

const bound = fc.oneof(
  fc.nat({ max: 3 }).map((value) => ({ value: { $case: "intVal" as const, value } })),
  fc.constantFrom("0%", "25%", "50%", "100%").map((value) => ({ value: { $case: "strVal" as const, value } })),
);
const strategy = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("RollingUpdate"),
      rollingUpdate: fc.record({ maxSurge: bound, maxUnavailable: bound }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "Recreate" }) },
);
const edit = fc.oneof(
  fc.record({
    do: fc.constant("change" as const),
    image: fc.constantFrom("web:1", "web:2", "web:3"),
    replicas: fc.nat({ max: 7 }),
  }),
  fc.record({ do: fc.constant("serve" as const) }),
  fc.record({ do: fc.constant("flip" as const), at: fc.nat({ max: 9 }), ready: fc.constantFrom("True", "False") }),
  fc.record({ do: fc.constant("lose" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ do: fc.constant("pause" as const), paused: fc.boolean() }),
);

test("whatever users, pods and nodes do: the bounds hold, and in the end the last template runs and nothing is written", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 6 }), strategy, fc.array(edit, { maxLength: 14 }), async (replicas, how, edits) => {
      const world = await newWorld();
      await world.put({ kind: "Deployment", object: deploymentOf({ replicas, strategy: how }) });
      const watch = watchBounds(world);
      for (const each of edits) {
        const all = active(world);
        const pod = "at" in each ? all[each.at % Math.max(1, all.length)] : undefined;
        watch.isWatching = false;
        if (each.do === "change") await change(world, { image: each.image, replicas: each.replicas });
        else if (each.do === "pause") await change(world, { spec: { paused: each.paused } });
        else if (each.do === "flip" && pod !== undefined) await run(world, pod, each.ready);
        else if (each.do === "lose" && pod !== undefined)
          await world.drop({ kind: "Pod", namespace: "default", name: metaOf(pod).name });
        else if (each.do === "serve") await serve(world);
        watch.isWatching = true;
        await world.converge();
      }
      watch.isWatching = false;
      await change(world, { spec: { paused: false } });
      await finish(world);
      expect(watch.broken).toEqual([]);
      const live = world.view.get("Deployment", "default", "web");
      const wanted = live?.spec?.replicas ?? 0;
      expect(active(world).map(imageOf)).toEqual(
        Array.from({ length: wanted }, () => live?.spec?.template?.spec?.containers[0]?.image),
      );
      expect(status(world)).toMatchObject({ replicas: wanted, updatedReplicas: wanted, availableReplicas: wanted });
      const { revision } = world.view;
      await world.clock.advance(700_000);
      expect(world.view.revision).toBe(revision);
      world.stop.abort();
    }),
    { seed: 21, numRuns: 80 },
  );
});
