import fc from "fast-check";
import { expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting, isPodReady } from "../../../kinds/pod-state.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import {
  active,
  change,
  condition,
  deploymentOf,
  finish,
  imageOf,
  newWorld,
  type Parts,
  pods,
  sets,
  sizes,
  status,
  watchBounds,
} from "../../../test/kit/deployment-world.js";
import { ownerCollector } from "../owner-collector.js";
import { KEPT_OF } from "./rollback.js";

const works = (pod: Pod): boolean => imageOf(pod) !== "broken:1";
const kept = (world: ControlWorld): readonly Pod[] => pods(world).filter((pod) => KEPT_OF in metaOf(pod).labels);

/** A deployment that worked once, and a change of its template that never will, up to just before its deadline. */
async function failing(parts: Parts = {}): Promise<ControlWorld> {
  const world = await newWorld([ownerCollector()]);
  const object = deploymentOf({ ...parts, replicas: 4, spec: { progressDeadlineSeconds: 60, ...parts.spec } });
  await world.put({ kind: "Deployment", object });
  await finish(world, works);
  await change(world, { image: "broken:1" });
  await finish(world, works);
  await crash(world);
  return world;
}

/** What the agent says of containers that do not start. */
async function crash(world: ControlWorld): Promise<void> {
  for (const pod of active(world).filter((each) => !works(each)))
    await world.edit("Pod", metaOf(pod).name, (live) =>
      Pod.fromPartial({
        ...live,
        status: {
          ...live.status,
          containerStatuses: [
            {
              name: "main",
              state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } },
              lastState: { terminated: { exitCode: 3 } },
            },
          ],
        },
      }),
    );
  await world.converge();
}

/** Lets the deadline pass, and all that follows happen. */
async function miss(world: ControlWorld): Promise<void> {
  await world.clock.advance(70_000);
  await finish(world, works);
}

test("a roll-out that misses its deadline goes back to the last template that worked; the spec stays the user's", async () => {
  const world = await failing();
  await miss(world);
  expect(sizes(world)).toEqual({ "web:1": 4, "broken:1": 0 });
  const live = world.view.get("Deployment", "default", "web");
  expect(live?.spec?.template?.spec?.containers[0]?.image).toBe("broken:1");
  expect(status(world)).toMatchObject({
    replicas: 4,
    updatedReplicas: 0,
    availableReplicas: 4,
    unavailableReplicas: 0,
  });
  expect(condition(world, "Progressing")).toMatchObject({ status: "False", reason: "ProgressDeadlineExceeded" });
  expect(condition(world, "RolledBack")).toMatchObject({ status: "True", reason: "ProgressDeadlineExceeded" });
  const [pod] = kept(world);
  const name = pod?.metadata?.name ?? "";
  const [bad, good] = ["broken:1", "web:1"].map(
    (image) => sets(world).find((set) => set.spec?.template?.spec?.containers[0]?.image === image)?.metadata?.name,
  );
  const why = `rolled back to revision 1 (replica set ${good}): revision 2 (replica set ${bad}) missed its progress deadline of 60 s: pod ${name}: container main: CrashLoopBackOff: back-off 10s (last exit code 3); pod ${name} is kept for inspection`;
  expect(condition(world, "RolledBack")?.message).toBe(why);
  expect(world.notices.filter(({ reason }) => reason === "DeploymentRollback")).toMatchObject([
    { type: "Warning", about: { kind: "Deployment", name: "web" }, message: `R${why.slice(1)}` },
  ]);
});

test("one failed pod is kept: found by its label, selected by nothing else, counted by nobody", async () => {
  const world = await failing();
  const made: string[] = [];
  world.cache.subscribe(({ changes }) => {
    for (const { key, before } of changes) if (key.kind === "Pod" && before === undefined) made.push(key.name);
  });
  await miss(world);
  expect(kept(world)).toHaveLength(1);
  const [pod] = kept(world);
  // The set that it left does not make another one in its place.
  const set = pod?.metadata?.ownerReferences[0]?.name ?? "none";
  expect(made.filter((name) => name.startsWith(set))).toEqual([]);
  expect(pod?.metadata?.labels).toEqual({ [KEPT_OF]: "web" });
  expect(imageOf(pod ?? Pod.fromPartial({}))).toBe("broken:1");
  expect(active(world)).toHaveLength(5);
  await world.clock.advance(600_000);
  expect(kept(world)).toHaveLength(1);
});

test("the kept pod goes with the next roll-out, and with the deployment", async () => {
  const world = await failing();
  await miss(world);
  await change(world, { image: "web:2" });
  await finish(world, works);
  expect(kept(world).filter((pod) => !isDeleting(pod))).toEqual([]);
  expect(sizes(world)).toEqual({ "web:1": 0, "broken:1": 0, "web:2": 4 });
  expect(condition(world, "RolledBack")).toBeUndefined();
  expect(condition(world, "Progressing")?.reason).toBe("NewReplicaSetAvailable");

  const other = await failing();
  await miss(other);
  await other.drop({ kind: "Deployment", namespace: "default", name: "web" });
  await finish(other, works);
  expect(pods(other)).toEqual([]);
});

test("what was rolled back is not tried again by a change of scale, but by a change of the template back to it", async () => {
  const world = await failing();
  await miss(world);
  await change(world, { replicas: 6 });
  await miss(world);
  expect(sizes(world)).toEqual({ "web:1": 6, "broken:1": 0 });
  expect(status(world)?.availableReplicas).toBe(6);
  await change(world, { image: "web:1" });
  await finish(world, works);
  expect(condition(world, "Progressing")?.reason).toBe("NewReplicaSetAvailable");
  await change(world, { image: "broken:1" });
  await finish(world, works);
  expect(sizes(world)["broken:1"]).toBeGreaterThan(0);
  await miss(world);
  expect(sizes(world)).toEqual({ "web:1": 6, "broken:1": 0 });
});

test("a template that worked once, wanted again while few of its pods are left, has its full time", async () => {
  const world = await failing();
  await world.clock.advance(70_000);
  await world.converge();
  await change(world, { image: "web:1" });
  await world.converge();
  expect(condition(world, "Progressing")).toMatchObject({ status: "True", reason: "FoundNewReplicaSet" });
  await finish(world, works);
  expect(condition(world, "Progressing")?.reason).toBe("NewReplicaSetAvailable");
});

// Each row lacks one thing that a rollback needs.
const standing = [
  { name: "the annotation says off", parts: { annotations: { "tallship.dev/rollback": "off" } } },
  { name: "there is no deadline", parts: { spec: { progressDeadlineSeconds: 2_147_483_647 } } },
];
for (const { name, parts } of standing)
  test(`nothing is rolled back when ${name}`, async () => {
    const world = await failing(parts);
    const before = sizes(world);
    await miss(world);
    expect(sizes(world)).toEqual(before);
    expect(condition(world, "RolledBack")).toBeUndefined();
  });

test("nothing is rolled back to a template that never worked", async () => {
  const world = await newWorld();
  await world.put({
    kind: "Deployment",
    object: deploymentOf({ image: "broken:1", spec: { progressDeadlineSeconds: 60 } }),
  });
  await finish(world, works);
  await miss(world);
  expect(condition(world, "Progressing")?.reason).toBe("ProgressDeadlineExceeded");
  expect(condition(world, "RolledBack")).toBeUndefined();
  expect(sizes(world)).toEqual({ "broken:1": 3 });
});

test("switched off afterwards, the failed template is tried again", async () => {
  const world = await failing();
  await miss(world);
  await world.edit("Deployment", "web", (live) => ({
    ...live,
    metadata: { ...metaOf(live), annotations: { "tallship.dev/rollback": "off" } },
  }));
  await finish(world, () => true);
  expect(sizes(world)).toEqual({ "web:1": 0, "broken:1": 4 });
  expect(condition(world, "RolledBack")).toBeUndefined();
});

test("a pod that is kept gives its place up when one that is to serve finds none", async () => {
  const world = await failing();
  await world.clock.advance(70_000);
  expect(kept(world)).toHaveLength(1);
  const [waiting] = active(world).filter((pod) => imageOf(pod) === "web:1" && !isPodReady(pod));
  await world.edit("Pod", metaOf(waiting ?? {}).name, (live) =>
    Pod.fromPartial({ ...live, status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False" }] } }),
  );
  await world.converge();
  expect(kept(world).filter((pod) => !isDeleting(pod))).toEqual([]);
});

test("Recreate keeps no pod: two templates never run at a time", async () => {
  const world = await failing({ strategy: { type: "Recreate" } });
  await miss(world);
  expect(kept(world)).toEqual([]);
  expect(active(world).map(imageOf)).toEqual(["web:1", "web:1", "web:1", "web:1"]);
});

const step = fc.oneof(
  fc.record({ do: fc.constant("image" as const), image: fc.constantFrom("web:1", "web:2", "broken:1") }),
  fc.record({ do: fc.constant("scale" as const), replicas: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1_000, 70_000) }),
  fc.record({ do: fc.constant("pause" as const), paused: fc.boolean() }),
);

test("whatever is rolled out and fails: in the end the wanted template runs, or the last that worked, and nothing is written", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
      const world = await newWorld();
      await world.put({ kind: "Deployment", object: deploymentOf({ spec: { progressDeadlineSeconds: 60 } }) });
      await finish(world, works);
      const watch = watchBounds(world);
      for (const each of steps) {
        watch.isWatching = false;
        if (each.do === "image") await change(world, { image: each.image });
        else if (each.do === "scale") await change(world, { replicas: each.replicas });
        else if (each.do === "pause") await change(world, { spec: { paused: each.paused } });
        watch.isWatching = true;
        if (each.do === "wait") await world.clock.advance(each.ms);
        await world.converge();
        watch.isWatching = false;
        await finish(world, works);
      }
      await change(world, { spec: { paused: false } });
      await finish(world, works);
      await miss(world);
      expect(watch.broken).toEqual([]);
      const live = world.view.get("Deployment", "default", "web");
      const image = live?.spec?.template?.spec?.containers[0]?.image;
      const counted = active(world).filter((pod) => !(KEPT_OF in metaOf(pod).labels));
      expect(counted).toHaveLength(live?.spec?.replicas ?? 0);
      expect(counted.every(works)).toBe(true);
      if (image !== "broken:1") expect(counted.every((pod) => imageOf(pod) === image)).toBe(true);
      expect(kept(world).length).toBeLessThanOrEqual(image === "broken:1" ? 1 : 0);
      const { revision } = world.view;
      await world.clock.advance(700_000);
      expect(world.view.revision).toBe(revision);
      world.stop.abort();
    }),
    { seed: 4, numRuns: 40 },
  );
});
