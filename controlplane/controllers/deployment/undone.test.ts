import { expect, test } from "vitest";
import { UNDONE_FROM, UNDONE_TO } from "../../../kinds/config-copies.js";
import { metaOf } from "../../../kinds/object.js";
import { ConfigMap } from "../../../proto/gen/tallship/v1/configmap.js";
import type { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import { active, change, deploymentOf, finish, newWorld, sets } from "../../../test/kit/deployment-world.js";

const container = { env: [{ name: "V", valueFrom: { configMapKeyRef: { name: "web", key: "key" } } }] };

async function configure(world: ControlWorld, key: string): Promise<void> {
  const metadata = { name: "web", namespace: "default", uid: "web-config" };
  await world.put({ kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata, data: { key } }) });
  await finish(world);
}

/** A deployment that was rolled out with each content in turn. */
async function rolledOut(contents: readonly string[]): Promise<ControlWorld> {
  const world = await newWorld();
  for (const [at, content] of contents.entries()) {
    await configure(world, content);
    if (at > 0) continue;
    await world.put({ kind: "Deployment", object: deploymentOf({ container, replicas: 2 }) });
    await finish(world);
  }
  return world;
}

/** What the command does when the template is the same: the deployment names the set with that content. */
async function undo(world: ControlWorld, content: string): Promise<void> {
  const set = sets(world).find(({ metadata }) => {
    const [, copy = ""] = metadata?.annotations["tallship.dev/config-pins"]?.split("=") ?? [];
    return world.view.get("ConfigMap", "default", copy)?.data["key"] === content;
  });
  await world.edit("Deployment", "web", (live) => {
    const { [UNDONE_FROM]: _, ...annotations } = metaOf(live).annotations;
    const metadata = { ...metaOf(live), annotations: { ...annotations, [UNDONE_TO]: set?.metadata?.name ?? "gone" } };
    return { ...live, metadata } satisfies Deployment;
  });
  await finish(world);
}

const values = (world: ControlWorld): readonly (string | undefined)[] =>
  active(world).map((pod) => {
    const name = pod.spec?.containers[0]?.env[0]?.valueFrom?.configMapKeyRef?.name ?? "";
    return world.view.get("ConfigMap", "default", name)?.data["key"];
  });

const annotations = (world: ControlWorld): Readonly<Record<string, string>> =>
  metaOf(world.view.get("Deployment", "default", "web") ?? {}).annotations;

test("a deployment that is taken back runs the set of then, and again from where it was taken back to", async () => {
  const world = await rolledOut(["one", "two", "three"]);
  await undo(world, "one");
  expect(values(world)).toEqual(["one", "one"]);
  expect(sets(world)).toHaveLength(3);
  await undo(world, "two");
  expect(values(world)).toEqual(["two", "two"]);
  await undo(world, "three");
  expect(values(world)).toEqual(["three", "three"]);
  const { revision } = world.view;
  await world.clock.advance(700_000);
  expect(world.view.revision).toBe(revision);
});

test("an undo ends with the first content that is another, and does not come back with the one that was left", async () => {
  const world = await rolledOut(["one", "bad"]);
  await undo(world, "one");
  expect(annotations(world)[UNDONE_FROM]).toMatch(/^ConfigMap\/web=web-/);
  await configure(world, "two");
  expect(values(world)).toEqual(["two", "two"]);
  expect(annotations(world)).not.toHaveProperty([UNDONE_TO]);
  expect(annotations(world)).not.toHaveProperty([UNDONE_FROM]);
  await configure(world, "bad");
  expect(values(world)).toEqual(["bad", "bad"]);
});

test("an undo ends with a new template: it takes the content of now", async () => {
  const world = await rolledOut(["one", "two"]);
  await undo(world, "one");
  await change(world, { image: "web:2", container });
  await finish(world);
  expect(values(world)).toEqual(["two", "two"]);
  expect(annotations(world)).not.toHaveProperty([UNDONE_TO]);
});

test("an undo to a set that is gone is none", async () => {
  const world = await rolledOut(["one", "two"]);
  await undo(world, "never");
  expect(values(world)).toEqual(["two", "two"]);
  expect(annotations(world)).not.toHaveProperty([UNDONE_TO]);
});
