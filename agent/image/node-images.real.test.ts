import { readdirSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RegistryCredentials } from "../../kinds/registry-credentials.js";
import { tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import { digestOf } from "../../test/kit/built-image.js";
import { buildImage, buildIndex, builtLayer } from "../../test/kit/image-builder.js";
import { ask, ImageWorld, imageOf, layerOf, ORIGIN } from "../../test/kit/image-world.js";
import { waitFor } from "../../test/kit/wait.js";
import type { PullProgress } from "./images.js";

const MIRROR = "http://mirror.example";
const forever = new AbortController().signal;

let world: ImageWorld;
beforeEach(() => {
  world = new ImageWorld();
});
afterEach(() => world.close());

test("equal pulls at the same time are one, and both are told how it goes", async () => {
  const image = imageOf("a", "bb", "ccc", "dddd");
  world.registry.push(ORIGIN, "app", "v1", image);
  const heard: PullProgress[][] = [[], []];
  const pulls = heard.map((mine) =>
    world.images.ensure(ask("app:v1"), { signal: forever, onProgress: (progress) => mine.push(progress) }),
  );
  const [one, other] = await Promise.all(pulls);
  expect(one).toEqual(other);
  expect(one?.layerPaths.map((path) => readdirSync(path)[0])).toEqual(["dddd", "ccc", "bb", "a"]);
  expect(world.blobRequests().length).toBe(5);
  const total = image.blobs.slice(1).reduce((sum, { bytes }) => sum + bytes.length, 0);
  for (const mine of heard)
    expect(mine.at(-1)).toMatchObject({ reference: "reg.example/app:v1", bytesDone: total, bytesTotal: total });
});

test("an image is not there until all of it is, and a caller who gives up takes it from nobody else", async () => {
  world.registry.push(ORIGIN, "app", "v1", imageOf("a"));
  let lift = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    lift = resolve;
  });
  world.registry.fail(ORIGIN, { gate: () => gate });
  const abort = new AbortController();
  const leaving = world.images.ensure(ask("app:v1"), { signal: abort.signal });
  const staying = world.ensure(ask("app:v1"));
  const left = expect(leaving).rejects.toMatchObject({ code: "cancelled" });
  await waitFor("the first blob", () => world.blobRequests().length > 0);
  abort.abort();
  await left;
  expect(world.images.lookup(ask("app:v1"))).toBeUndefined();
  expect(world.images.list()).toEqual([]);
  lift();
  expect(await staying).toEqual(world.images.lookup(ask("app:v1")));
});

test("when all callers have given up the pull ends, and what it brought is taken up again", async () => {
  world.registry.push(ORIGIN, "app", "v1", imageOf("a"));
  world.registry.fail(ORIGIN, { gate: () => new Promise(() => undefined) });
  const abort = new AbortController();
  const pull = world.images.ensure(ask("app:v1"), { signal: abort.signal });
  const ended = expect(pull).rejects.toMatchObject({ code: "cancelled" });
  await waitFor("the first blob", () => world.blobRequests().length > 0);
  abort.abort();
  await ended;
  world.registry.fail(ORIGIN, {});
  await world.ensure(ask("app:v1"));
  expect(world.images.list().map(({ reference }) => reference)).toEqual(["reg.example/app:v1"]);
});

test("a connection that breaks is taken up where it broke", async () => {
  const image = buildImage({ layers: [layerOf("big", 40_000)], architecture: "amd64" });
  world.registry.push(ORIGIN, "app", "v1", image);
  world.registry.fail(ORIGIN, { breakAfterBytes: 15_000 });
  await world.ensure(ask("app:v1"));
  const layer = world.blobRequests().filter((what) => what.includes(image.blobs[1]?.digest ?? "-"));
  expect(layer.map((what) => what.split(" from ")[1])).toEqual([undefined, "15000", "30000"]);
});

test("what was fetched before a restart is not fetched again", async () => {
  const image = buildImage({ layers: [layerOf("big", 40_000)], architecture: "amd64" });
  world.registry.push(ORIGIN, "app", "v1", image);
  world.registry.fail(ORIGIN, { breakAfterBytes: 15_000, hasNoRanges: true });
  await expect(world.ensure(ask("app:v1"))).rejects.toMatchObject({ code: "image_pull_failed" });
  world.boot();
  world.registry.fail(ORIGIN, {});
  world.registry.seen.length = 0;
  await world.ensure(ask("app:v1"));
  expect(world.blobRequests().map((what) => what.split(" from ")[1])).toEqual(["15000"]);
});

test("content with another digest is refused, nothing of it is seen, and the next try starts over", async () => {
  world.registry.push(ORIGIN, "app", "v1", imageOf("a"));
  world.registry.fail(ORIGIN, { isCorrupt: true });
  await expect(world.ensure(ask("app:v1"))).rejects.toMatchObject({ code: "image_digest_mismatch" });
  expect([world.images.list(), world.namesIn("staging"), world.namesIn("parts")]).toEqual([[], [], []]);
  world.registry.fail(ORIGIN, {});
  await world.ensure(ask("app:v1"));
});

test("an image that lies about its layers is never seen", async () => {
  const honest = layerOf("a");
  const lying = buildImage({ layers: [{ ...honest, diffId: digestOf(Buffer.from("other")) }], architecture: "amd64" });
  world.registry.push(ORIGIN, "app", "v1", lying);
  await expect(world.ensure(ask("app:v1"))).rejects.toMatchObject({ code: "image_digest_mismatch" });
  expect([world.images.list(), world.namesIn("staging")]).toEqual([[], []]);
  expect(world.images.digests()).not.toContain(honest.digest);
});

test("a hostile layer is refused, nothing is named, and its other layers stay for the next", async () => {
  const hostile = builtLayer(tarArchive([[tarEntry("../x", "file"), Buffer.from("x")]]), "none");
  world.registry.push(ORIGIN, "app", "v1", buildImage({ layers: [hostile], architecture: "amd64" }));
  await expect(world.ensure(ask("app:v1"))).rejects.toMatchObject({ code: "image_refused", retry: "never" });
  expect([world.images.list(), world.namesIn("staging")]).toEqual([[], []]);
});

test("only what is not there yet is fetched", async () => {
  world.registry.push(ORIGIN, "one", "v1", imageOf("base", "x"));
  world.registry.push(ORIGIN, "two", "v1", imageOf("base", "yy"));
  await world.ensure(ask("one:v1"));
  world.registry.seen.length = 0;
  const two = await world.ensure(ask("two:v1"));
  expect(world.blobRequests().length).toBe(2); // Its config and its upper layer.
  expect(two.layerPaths[1]).toBe(world.images.lookup(ask("one:v1"))?.layerPaths[1]);
});

test("a layer that is packed in another way is not fetched for the node itself, and is for other nodes", async () => {
  const tar = tarArchive([[tarEntry("f", "file"), Buffer.from("x".repeat(3_000))]]);
  world.registry.push(ORIGIN, "plain", "v1", buildImage({ layers: [builtLayer(tar, "none")], architecture: "amd64" }));
  const packed = buildImage({ layers: [builtLayer(tar)], architecture: "amd64" });
  world.registry.push(ORIGIN, "packed", "v1", packed);
  await world.ensure(ask("plain:v1"));
  const layer = packed.blobs[1]?.digest ?? "";
  await world.ensure(ask("packed:v1"));
  expect(world.images.digests()).not.toContain(layer);
  expect(world.images.lookup(ask("packed:v1", { isWhole: true }))).toBeUndefined();
  await world.ensure(ask("packed:v1", { isWhole: true }));
  expect(world.images.digests()).toContain(layer);
});

test("a tag that moved is seen by Always and by nobody else", async () => {
  const [before, after] = [imageOf("a"), imageOf("b")];
  world.registry.push(ORIGIN, "app", "v1", before);
  await world.ensure(ask("app:v1"));
  world.registry.push(ORIGIN, "app", "v1", after);
  expect((await world.ensure(ask("app:v1"))).digest).toBe(before.digest);
  expect(world.images.lookup(ask("app:v1", { policy: "Always" }))).toBeUndefined();
  expect((await world.ensure(ask("app:v1", { policy: "Always" }))).digest).toBe(after.digest);
  expect((await world.ensure(ask("app:v1"))).digest).toBe(after.digest);
});

test("Always asks for one digest when nothing has changed, and fails when it cannot", async () => {
  world.registry.push(ORIGIN, "app", "v1", imageOf("a"));
  await world.ensure(ask("app:v1"));
  world.registry.seen.length = 0;
  await world.ensure(ask("app:v1", { policy: "Always" }));
  expect(world.registry.seen.map(({ what }) => what)).toEqual(["app/manifests/v1"]);
  world.registry.fail(ORIGIN, { isDown: true });
  await expect(world.ensure(ask("app:v1", { policy: "Always" }))).rejects.toMatchObject({ code: "image_pull_failed" });
  await world.ensure(ask("app:v1"));
});

test("Never takes what is there and asks nobody", async () => {
  world.registry.push(ORIGIN, "app", "v1", imageOf("a"));
  await expect(world.ensure(ask("app:v1", { policy: "Never" }))).rejects.toThrow("pull policy is Never");
  expect(world.registry.seen).toEqual([]);
  await world.ensure(ask("app:v1"));
  expect(await world.ensure(ask("app:v1", { policy: "Never" }))).toEqual(await world.ensure(ask("app:v1")));
});

test("an image is found by its digest and by that of its index, in its repository", async () => {
  const image = imageOf("a");
  const index = buildIndex({ s390x: imageOf("b"), amd64: image });
  world.registry.push(ORIGIN, "app", "v1", index);
  const byTag = await world.ensure(ask("app:v1"));
  expect(byTag.digest).toBe(image.digest);
  for (const digest of [image.digest, index.digest]) {
    expect(world.images.lookup(ask(`app@${digest}`))?.digest).toBe(image.digest);
    expect(world.images.lookup(ask(`app:other@${digest}`))?.digest).toBe(image.digest);
    expect(world.images.lookup(ask(`elsewhere@${digest}`))).toBeUndefined();
  }
});

test("an image for other machines only is not found, and the error names them", async () => {
  world.registry.push(ORIGIN, "app", "v1", buildIndex({ s390x: imageOf("a"), arm64: imageOf("b") }));
  await expect(world.ensure(ask("app:v1"))).rejects.toThrow("is not for linux/amd64 but for linux/arm64, linux/s390x");
  world.registry.push(ORIGIN, "app", "v2", buildImage({ layers: [], architecture: "arm64" }));
  await expect(world.ensure(ask("app:v2"))).rejects.toThrow("is for linux/arm64, this node is linux/amd64");
});

test("mirrors are asked in order, then the registry; one that is down or wrong leads to the next", async () => {
  const endpoint = { origin: MIRROR, repositoryPrefix: "", caPath: undefined, isUnverified: false };
  world.boot({ mirrors: new Map([["*", { endpoints: [endpoint], hasFallback: true }]]) });
  const image = imageOf("a");
  world.registry.push(ORIGIN, "app", "v1", image);
  await world.ensure(ask("app:v1"));
  world.registry.push(MIRROR, "app", "v2", imageOf("b"));
  world.registry.push(ORIGIN, "app", "v2", imageOf("b"));
  world.registry.fail(MIRROR, { isCorrupt: true });
  await world.ensure(ask("app:v2"));
  world.registry.fail(MIRROR, { isDown: true });
  world.registry.push(ORIGIN, "app", "v3", imageOf("c"));
  await world.ensure(ask("app:v3"));
  await expect(world.ensure(ask("app:v4"))).rejects.toMatchObject({
    code: "image_not_found",
    message: expect.stringMatching(/mirror\.example cannot be reached; https:\/\/reg\.example/),
  });
});

test("credentials go to their registry alone", async () => {
  const endpoint = { origin: MIRROR, repositoryPrefix: "", caPath: undefined, isUnverified: false };
  world.boot({ mirrors: new Map([["reg.example", { endpoints: [endpoint], hasFallback: true }]]) });
  world.registry.push(ORIGIN, "app", "v1", imageOf("a"));
  world.registry.lock(ORIGIN, "ann", "secret");
  const ann: RegistryCredentials = { username: "ann", password: "secret" };
  await expect(world.ensure(ask("app:v1"))).rejects.toMatchObject({ code: "image_unauthorized" });
  await world.ensure(
    ask("app:v1", { credentials: { "reg.example": ann, "other.example": { username: "bob", password: "b" } } }),
  );
  expect(
    new Set(world.registry.seen.filter(({ origin }) => origin === MIRROR).map(({ username }) => username)),
  ).toEqual(new Set([undefined]));
});

test("a registry that is down is an error within two seconds", async () => {
  world.registry.fail(ORIGIN, { isDown: true });
  const startedMs = performance.now();
  await expect(world.ensure(ask("app:v1"))).rejects.toThrow(
    "pull reg.example/app:v1: https://reg.example cannot be reached",
  );
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});

test("an image that has a layer twice names it once, where it is topmost", async () => {
  world.registry.push(ORIGIN, "app", "v1", imageOf("a", "bb", "a"));
  const { layerPaths } = await world.ensure(ask("app:v1"));
  expect(layerPaths.map((path) => readdirSync(path)[0])).toEqual(["a", "bb"]);
});

test("a layer whose root is opaque hides all below it", async () => {
  const opaque = builtLayer(tarArchive([[tarEntry(".wh..wh..opq", "file"), new Uint8Array()]]), "none");
  world.registry.push(
    ORIGIN,
    "app",
    "v1",
    buildImage({ layers: [layerOf("a"), opaque, layerOf("bb")], architecture: "amd64" }),
  );
  const { layerPaths } = await world.ensure(ask("app:v1"));
  expect(layerPaths.map((path) => readdirSync(path))).toEqual([["bb"], []]);
});

test("an image without layers is one", async () => {
  world.registry.push(ORIGIN, "scratch", "v1", imageOf());
  expect((await world.ensure(ask("scratch:v1"))).layerPaths).toEqual([]);
});

test("an image that is there goes by its tag, its digest and that of its index, also after a restart, and by none once its name is gone", async () => {
  const image = imageOf("a", "bb");
  const index = buildIndex({ amd64: image });
  world.registry.push(ORIGIN, "app", "v1", index);
  let named = 0;
  world.images.onContent(() => {
    named = world.images.named().length;
  });
  await world.ensure(ask("app:v1"));
  const sizeBytes = image.blobs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const names = [":v1", `@${image.digest}`, `@${index.digest}`].map((rest) => ({
    name: `reg.example/app${rest}`,
    sizeBytes,
  }));
  expect([world.images.named(), named]).toEqual([names, 3]);
  // The same image by its digest is no other.
  await world.ensure(ask(`app:v2@${index.digest}`));
  expect(world.images.named().length).toBe(3);
  expect(world.boot().named().length).toBe(3);
  for (const { reference } of world.images.list()) await world.images.remove(reference);
  expect(world.images.named()).toEqual([]);
});
