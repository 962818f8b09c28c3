import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildImage } from "../../test/kit/image-builder.js";
import { ask, ImageWorld, imageOf, layerOf, ORIGIN } from "../../test/kit/image-world.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { openMountNamespace } from "../../test/kit/mount-namespace.js";
import { waitFor } from "../../test/kit/wait.js";

const shortOf = (what: string): string => what.replace(/sha256:([0-9a-f]{4})[0-9a-f]+/, "$1");

let world: ImageWorld;
beforeEach(() => {
  world = new ImageWorld();
});
afterEach(() => world.close());

test("what a crash left half made is gone after a start", async () => {
  world.registry.push(ORIGIN, "app", "v1", imageOf("a", "bb"));
  const { layerPaths } = await world.ensure(ask("app:v1"));
  mkdirSync(join(world.folder, "images/staging/abc-1/fs"), { recursive: true });
  writeFileSync(join(world.folder, "images/blobs/half.new"), "half");
  writeFileSync(join(layerPaths[0] ?? "", "../layer.json"), '{"diffId":');
  world.boot();
  expect(world.images.lookup(ask("app:v1"))).toBeUndefined();
  expect([world.namesIn("staging"), existsSync(join(world.folder, "images/blobs/half.new"))]).toEqual([[], false]);
  world.registry.fail(ORIGIN, { isDown: true });
  // Everything that is needed stands in blobs.
  expect((await world.ensure(ask("app:v1"))).layerPaths).toEqual(layerPaths);
});

test("layers that a power cut may have spoilt are unpacked again, flushed ones are trusted", async () => {
  world.registry.push(ORIGIN, "one", "v1", imageOf("a"));
  world.registry.push(ORIGIN, "two", "v1", imageOf("bb"));
  const clock = new ManualClock();
  world.boot({ clock });
  const one = await world.ensure(ask("one:v1"));
  await clock.advance(2_000);
  await waitFor("the flush", () => existsSync(join(one.layerPaths[0] ?? "", "../durable")));
  const two = await world.ensure(ask("two:v1"));
  writeFileSync(join(two.layerPaths[0] ?? "", "bb"), "lost");
  expect(world.boot().lookup(ask("two:v1"))).toEqual(two); // Same boot: only the agent restarted.
  world.boot({ bootId: "second" });
  expect(world.images.lookup(ask("one:v1"))).toEqual(one);
  expect(world.images.lookup(ask("two:v1"))).toBeUndefined();
  world.registry.fail(ORIGIN, { isDown: true });
  expect(await world.ensure(ask("two:v1"))).toEqual(two);
  expect(readFileSync(join(two.layerPaths[0] ?? "", "bb")).length).toBe(5_000);
});

test("a damaged file of names is put aside, and pulling finds everything on disk", async () => {
  world.registry.push(ORIGIN, "app", "v1", imageOf("a"));
  await world.ensure(ask("app:v1"));
  writeFileSync(join(world.folder, "images/names.json"), "{");
  world.boot();
  expect(world.images.list()).toEqual([]);
  expect(readFileSync(join(world.folder, "images/names.json.damaged"), "utf8")).toBe("{");
  world.registry.seen.length = 0;
  await world.ensure(ask("app:v1"));
  expect(world.blobRequests()).toEqual([]);
});

test("a manifest that the disk has changed is fetched again", async () => {
  const image = imageOf("a");
  world.registry.push(ORIGIN, "app", "v1", image);
  await world.ensure(ask(`app@${image.digest}`));
  await world.images.remove(`reg.example/app@${image.digest}`);
  writeFileSync(join(world.folder, "images/blobs", image.digest.slice(7)), "changed");
  world.registry.seen.length = 0;
  await world.ensure(ask(`app@${image.digest}`));
  expect(world.registry.seen.map(({ what }) => shortOf(what))).toEqual([shortOf(`app/manifests/${image.digest}`)]);
});

test("pruning deletes what no name, no container and no running pull needs, and nothing else", async () => {
  world.registry.push(ORIGIN, "one", "v1", imageOf("base", "x"));
  world.registry.push(ORIGIN, "two", "v1", imageOf("base", "yy"));
  const one = await world.ensure(ask("one:v1"));
  const two = await world.ensure(ask("two:v1"));
  expect(await world.images.prune()).toBe(0);
  await world.rootFs.prepare("c1", one);
  await world.images.remove("reg.example/one:v1");
  await world.images.remove("reg.example/one:v1");
  expect(await world.images.prune()).toBeGreaterThan(5_000); // Its blobs; a container stands on its layers.
  expect([...one.layerPaths, ...two.layerPaths].every((path) => existsSync(path))).toBe(true);
  await world.rootFs.remove("c1");
  expect(await world.images.prune()).toBeGreaterThan(5_000);
  expect(existsSync(one.layerPaths[0] ?? "")).toBe(false);
  expect(world.images.lookup(ask("two:v1"))).toEqual(two);
  expect([world.namesIn("staging"), world.namesIn("layers").length]).toEqual([[], 2]);
});

test("pruning leaves what a running pull has brought", async () => {
  const image = imageOf("a", "bb");
  world.registry.push(ORIGIN, "app", "v1", image);
  let lift = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    lift = resolve;
  });
  world.registry.fail(ORIGIN, { gate: (digest) => (digest === image.blobs[2]?.digest ? gate : Promise.resolve()) });
  const pull = world.ensure(ask("app:v1"));
  await waitFor("the first layer", () => world.namesIn("layers").length > 0);
  expect(await world.images.prune()).toBe(0);
  lift();
  const local = await pull;
  expect(local.layerPaths.every((path) => existsSync(path))).toBe(true);
  expect(world.boot().lookup(ask("app:v1"))).toEqual(local);
});

test("a full disk is disk_failed at the first try, and the pull goes on when there is room", async () => {
  const tiny = await openMountNamespace("tiny");
  world.close();
  world = new ImageWorld(join(tiny.folder, "node"));
  world.registry.push(ORIGIN, "app", "v1", buildImage({ layers: [layerOf("big", 400_000)], architecture: "amd64" }));
  writeFileSync(join(world.folder, "ballast"), Buffer.alloc(700_000));
  await expect(world.ensure(ask("app:v1"))).rejects.toMatchObject({ code: "disk_failed" });
  expect(world.blobRequests().length).toBe(2);
  expect(world.images.list()).toEqual([]);
  rmSync(join(world.folder, "ballast"));
  await world.ensure(ask("app:v1"));
  world.close();
  await tiny.close();
});
