import { expect, test } from "vitest";
import { applyDefaults } from "../../kinds/defaults/defaults.js";
import { withOwnSelector } from "../../kinds/job-selector.js";
import { metaOf } from "../../kinds/object.js";
import { isDeleting, isPodActive } from "../../kinds/pod-state.js";
import { limit } from "../../lib/limits.js";
import { DaemonSet } from "../../proto/gen/tallship/v1/daemonset.js";
import { Job } from "../../proto/gen/tallship/v1/job.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { StatefulSet } from "../../proto/gen/tallship/v1/statefulset.js";
import { type ControlWorld, contentDigest } from "../../test/kit/control-world.js";
import { pinOf, runsImage } from "../../test/kit/pinned-pods.js";
import { worldOfTest } from "../../test/kit/world-of-test.js";
import { daemonSet } from "./daemon-set/daemon-set.js";
import { job } from "./job/job.js";
import { ownerCollector } from "./owner-collector.js";
import { podCollector } from "./pod-collector.js";
import { statefulSet } from "./stateful-set/stateful-set.js";

async function newWorld(): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([statefulSet(contentDigest), daemonSet(contentDigest), job, ownerCollector(), podCollector]);
  await addNode(world, "node-a");
  return world;
}

const addNode = (world: ControlWorld, name: string): Promise<void> =>
  world.put({ kind: "Node", object: Node.fromPartial({ metadata: { name, uid: name } }) });

const metadata = { name: "db", namespace: "default", uid: "owner", generation: 1 };
const selector = { matchLabels: { app: "db" } };
const template = (word: string) => ({
  metadata: { labels: { app: "db" }, annotations: { word } },
  spec: { containers: [{ name: "main", image: "db:1" }] },
});
const image = (letter: string): string => `db:1@sha256:${letter.repeat(64)}`;
const pin = (letter: string): string => `main=sha256:${letter.repeat(64)}`;
const podsOf = (world: ControlWorld): readonly Pod[] =>
  world.view
    .list("Pod")
    .map(({ object }) => object)
    .filter(isPodActive);
const pinsOf = (world: ControlWorld) =>
  Object.fromEntries(podsOf(world).map((pod) => [metaOf(pod).name, pinOf(pod)] as const));
const named = (world: ControlWorld, name: string): Pod => {
  const pod = podsOf(world).find((each) => metaOf(each).name === name);
  if (pod === undefined) throw new Error(`no pod ${name} among ${Object.keys(pinsOf(world)).join()}`);
  return pod;
};
const revisions = (world: ControlWorld) =>
  Object.fromEntries(world.view.list("ControllerRevision").map(({ object }) => [object.revision, object.images]));

const setOf = (replicas: number, word = "first"): StatefulSet =>
  StatefulSet.fromPartial({ metadata, spec: { replicas, serviceName: "db", selector, template: template(word) } });

/** Asks for another template, as a user does, and ends the pods that are to go for it, as their node does. */
async function roll(world: ControlWorld, word: string): Promise<void> {
  await world.edit("StatefulSet", "db", (live) => ({ ...live, spec: setOf(2, word).spec }));
  await replaceGoing(world);
}

/** Pods go one after the other, each once the last has run for a while. */
async function replaceGoing(world: ControlWorld): Promise<void> {
  await world.converge();
  await world.clock.advance(limit("steadyMs"));
  await world.converge();
  const going = world.view.list("Pod").filter(({ object }) => isDeleting(object));
  for (const { object } of going) await world.drop({ kind: "Pod", namespace: "default", name: metaOf(object).name });
  await world.converge();
}

test("a tag that moves between two pods of a stateful set leaves the second with the first one's bytes; a new template decides anew, an old one brings its own back", async () => {
  const world = await newWorld();
  await world.put({ kind: "StatefulSet", object: setOf(2) });
  await world.converge();
  expect(pinsOf(world)).toEqual({ "db-0": undefined });
  await runsImage(world, named(world, "db-0"), image("a"));
  await world.converge();
  expect(pinsOf(world)).toEqual({ "db-0": undefined, "db-1": pin("a") });
  await runsImage(world, named(world, "db-1"), image("a"));
  await roll(world, "second");
  expect(pinsOf(world)).toEqual({ "db-0": undefined, "db-1": undefined });
  await runsImage(world, named(world, "db-1"), image("b"));
  await replaceGoing(world);
  expect(pinsOf(world)).toEqual({ "db-0": pin("b"), "db-1": undefined });
  await runsImage(world, named(world, "db-0"), image("b"));
  await world.converge();
  expect(revisions(world)).toEqual({ 1: { main: image("a") }, 2: { main: image("b") } });
  await roll(world, "first");
  expect(pinsOf(world)).toMatchObject({ "db-1": pin("a") });
});

test("pods of a stateful set that came before its first one had said what it runs are named when they got other bytes", async () => {
  const world = await newWorld();
  const { spec } = setOf(2);
  const parallel = StatefulSet.fromPartial({ metadata, spec: { ...spec, podManagementPolicy: "Parallel" } });
  await world.put({ kind: "StatefulSet", object: parallel });
  await world.converge();
  await runsImage(world, named(world, "db-0"), image("a"));
  await runsImage(world, named(world, "db-1"), image("b"));
  await world.converge();
  const moved = () =>
    world.view.get("StatefulSet", "default", "db")?.status?.conditions.find(({ type }) => type === "ImageMoved");
  expect(moved()).toMatchObject({ status: "True", message: expect.stringMatching(/^db-1: the tag of db:1 was moved/) });
  await runsImage(world, named(world, "db-1"), image("a"));
  await world.converge();
  expect(moved()).toBeUndefined();
});

test("a daemon's pod on a node that comes later runs what the others run", async () => {
  const world = await newWorld();
  const object = DaemonSet.fromPartial({ metadata, spec: { selector, template: template("first") } });
  await world.put({ kind: "DaemonSet", object: applyDefaults<"DaemonSet">({ kind: "DaemonSet", object }).object });
  await world.converge();
  for (const pod of podsOf(world)) await runsImage(world, pod, image("a"));
  await addNode(world, "node-b");
  await world.converge();
  expect(Object.values(pinsOf(world)).sort()).toEqual([pin("a"), undefined]);
  for (const pod of podsOf(world)) await runsImage(world, pod, image(pinOf(pod) === undefined ? "a" : "b"));
  await world.converge();
  const moved = world.view.get("DaemonSet", "default", "db")?.status?.conditions;
  expect(moved).toMatchObject([{ type: "ImageMoved", status: "True" }]);
});

test("a job's later pods run what its first ran, also when that is over and gone", async () => {
  const world = await newWorld();
  const { spec } = template("first");
  const jobSpec = { completions: 2, template: { spec: { ...spec, restartPolicy: "Never" } } };
  const object = applyDefaults<"Job">({ kind: "Job", object: Job.fromPartial({ metadata, spec: jobSpec }) }).object;
  await world.put({ kind: "Job", object: withOwnSelector(object) });
  await world.converge();
  const [first] = podsOf(world);
  if (first === undefined) throw new Error("no pod");
  expect(pinOf(first)).toBeUndefined();
  // It ends before anybody saw it run.
  await world.edit("Pod", metaOf(first).name, (live) => {
    const state = { terminated: { exitCode: 0 } };
    const containerStatuses = [{ name: "main", image: "db:1", imageID: image("a"), state }];
    return Pod.fromPartial({ ...live, status: { phase: "Succeeded", containerStatuses } });
  });
  await world.converge();
  expect(Object.values(pinsOf(world))).toEqual([pin("a")]);
  await world.drop({ kind: "Pod", namespace: "default", name: metaOf(first).name });
  await world.converge();
  expect(world.view.get("Job", "default", "db")?.status?.images).toEqual({ main: image("a") });
});

test("pods of a job that began side by side are named when they got other bytes, also once they and the job are over", async () => {
  const world = await newWorld();
  const { spec } = template("first");
  const jobSpec = { completions: 2, parallelism: 2, template: { spec: { ...spec, restartPolicy: "Never" } } };
  const object = applyDefaults<"Job">({ kind: "Job", object: Job.fromPartial({ metadata, spec: jobSpec }) }).object;
  await world.put({ kind: "Job", object: withOwnSelector(object) });
  await world.converge();
  const names = podsOf(world)
    .map((pod) => metaOf(pod).name)
    .sort();
  for (const [at, name] of names.entries()) await runsImage(world, named(world, name), image(at === 0 ? "a" : "b"));
  await world.converge();
  const conditions = () => world.view.get("Job", "default", "db")?.status?.conditions ?? [];
  const message = expect.stringMatching(`^${names[1]}: the tag of db:1 was moved; .* another job `);
  expect(conditions()).toMatchObject([{ type: "ImageMoved", status: "True", reason: "TagMoved", message }]);
  for (const name of names)
    await world.edit("Pod", name, ({ status, ...live }) => ({
      ...live,
      status: status && { ...status, phase: "Succeeded" },
    }));
  await world.converge();
  expect(conditions().map(({ type }) => type)).toEqual(["ImageMoved", "SuccessCriteriaMet", "Complete"]);
});
