import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Clock } from "../../lib/clock.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { systemClock } from "../../lib/system-clock.js";
import { tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import { type BuiltImage, type BuiltLayer, digestOf } from "../../test/kit/built-image.js";
import { buildImage, buildIndex, builtLayer } from "../../test/kit/image-builder.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { openMountNamespace } from "../../test/kit/mount-namespace.js";
import { SimulatedRegistry } from "../../test/kit/simulated-registry.js";
import { waitFor } from "../../test/kit/wait.js";
import { noImageMetrics } from "./image-metrics.js";
import type { ImageRequest, LocalImage, PullProgress, RegistryCredentials } from "./images.js";
import { localUnpacker } from "./layer/local-unpacker.js";
import type { Mirrors } from "./mirrors.js";
import { NodeImages } from "./node-images.js";
import { OverlayRootFs } from "./rootfs/overlay-rootfs.js";
import { ContentStore } from "./store/content-store.js";
import { ImageNames } from "./store/image-names.js";

const ORIGIN = "https://reg.example";
const MIRROR = "http://mirror.example";

interface Node {
  readonly images: NodeImages;
  readonly rootFs: OverlayRootFs;
}

let folder: string;
let registry: SimulatedRegistry;
let node: Node;
const open: Node[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallship-node-images-"));
  registry = new SimulatedRegistry();
  node = boot();
});
afterEach(() => {
  for (const { images } of open.splice(0)) images.close();
  rmSync(folder, { recursive: true, force: true });
});

interface BootOptions {
  readonly bootId?: string;
  readonly mirrors?: Mirrors;
  readonly clock?: Clock;
}

/** Opens the store as an agent that starts does. */
function boot({ bootId = "first", mirrors = new Map(), clock = systemClock }: BootOptions = {}): Node {
  const rootFs = new OverlayRootFs(join(folder, "rootfs"));
  const images = new NodeImages({
    ...{ registry, clock, rng: seededRng(1), log: silentLog, metrics: noImageMetrics, unpacker: localUnpacker, rootFs },
    store: new ContentStore({ folder: join(folder, "images"), bootId, log: silentLog }),
    names: new ImageNames(join(folder, "images/names.json"), silentLog),
    mirrors: () => mirrors,
    platform: { os: "linux", architecture: "amd64", variant: "" },
    policy: { deviceNodes: "refuse" },
  });
  const opened = { images, rootFs };
  open.push(opened);
  return opened;
}

function layerOf(name: string, sizeBytes = 5_000): BuiltLayer {
  const bytes = Buffer.from(seededRng(name.length * 31 + name.charCodeAt(0)).bytes(sizeBytes));
  return builtLayer(tarArchive([[tarEntry(name, "file"), bytes]]), "none");
}

function imageOf(...names: readonly string[]): BuiltImage {
  return buildImage({ layers: names.map((name) => layerOf(name)), architecture: "amd64", config: { Cmd: [...names] } });
}

function ask(reference: string, rest: Partial<ImageRequest> = {}): ImageRequest {
  return { reference: `reg.example/${reference}`, policy: "IfNotPresent", credentials: {}, ...rest };
}

const forever = new AbortController().signal;
const ensure = (request: ImageRequest, on = node): Promise<LocalImage> =>
  on.images.ensure(request, { signal: forever });
const blobRequests = (): readonly string[] =>
  registry.seen.map(({ what }) => what).filter((what) => what.includes("/blobs/"));
const stagingNames = (): readonly string[] => readdirSync(join(folder, "images/staging"));
const shortOf = (what: string): string => what.replace(/sha256:([0-9a-f]{4})[0-9a-f]+/, "$1");

test("equal pulls at the same time are one, and both are told how it goes", async () => {
  const image = imageOf("a", "bb", "ccc", "dddd");
  registry.push(ORIGIN, "app", "v1", image);
  const heard: PullProgress[][] = [[], []];
  const pulls = heard.map((mine) =>
    node.images.ensure(ask("app:v1"), { signal: forever, onProgress: (progress) => mine.push(progress) }),
  );
  const [one, other] = await Promise.all(pulls);
  expect(one).toEqual(other);
  expect(one?.layerPaths.map((path) => readdirSync(path)[0])).toEqual(["dddd", "ccc", "bb", "a"]);
  expect(blobRequests().length).toBe(5);
  const total = image.blobs.slice(1).reduce((sum, { bytes }) => sum + bytes.length, 0);
  for (const mine of heard)
    expect(mine.at(-1)).toEqual({ reference: "reg.example/app:v1", bytesDone: total, bytesTotal: total });
});

test("an image is not there until all of it is, and a caller who gives up takes it from nobody else", async () => {
  registry.push(ORIGIN, "app", "v1", imageOf("a"));
  let lift = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    lift = resolve;
  });
  registry.fail(ORIGIN, { gate: () => gate });
  const abort = new AbortController();
  const leaving = node.images.ensure(ask("app:v1"), { signal: abort.signal });
  const staying = ensure(ask("app:v1"));
  const left = expect(leaving).rejects.toMatchObject({ code: "cancelled" });
  await waitFor("the first blob", () => blobRequests().length > 0);
  abort.abort();
  await left;
  expect(node.images.lookup(ask("app:v1"))).toBeUndefined();
  expect(node.images.list()).toEqual([]);
  lift();
  expect(await staying).toEqual(node.images.lookup(ask("app:v1")));
});

test("when all callers have given up the pull ends, and what it brought is taken up again", async () => {
  registry.push(ORIGIN, "app", "v1", imageOf("a"));
  registry.fail(ORIGIN, { gate: () => new Promise(() => undefined) });
  const abort = new AbortController();
  const pull = node.images.ensure(ask("app:v1"), { signal: abort.signal });
  const ended = expect(pull).rejects.toMatchObject({ code: "cancelled" });
  await waitFor("the first blob", () => blobRequests().length > 0);
  abort.abort();
  await ended;
  registry.fail(ORIGIN, {});
  await ensure(ask("app:v1"));
  expect(node.images.list().map(({ reference }) => reference)).toEqual(["reg.example/app:v1"]);
});

test("a connection that breaks is taken up where it broke", async () => {
  const image = buildImage({ layers: [layerOf("big", 40_000)], architecture: "amd64" });
  registry.push(ORIGIN, "app", "v1", image);
  registry.fail(ORIGIN, { breakAfterBytes: 15_000 });
  await ensure(ask("app:v1"));
  const layer = blobRequests().filter((what) => what.includes(image.blobs[1]?.digest ?? "-"));
  expect(layer.map((what) => what.split(" from ")[1])).toEqual([undefined, "15000", "30000"]);
});

test("what was fetched before a restart is not fetched again", async () => {
  const image = buildImage({ layers: [layerOf("big", 40_000)], architecture: "amd64" });
  registry.push(ORIGIN, "app", "v1", image);
  registry.fail(ORIGIN, { breakAfterBytes: 15_000, hasNoRanges: true });
  await expect(ensure(ask("app:v1"))).rejects.toMatchObject({ code: "image_pull_failed" });
  node = boot();
  registry.fail(ORIGIN, {});
  registry.seen.length = 0;
  await ensure(ask("app:v1"));
  expect(blobRequests().map((what) => what.split(" from ")[1])).toEqual(["15000"]);
});

test("content with another digest is refused, nothing of it is seen, and the next try starts over", async () => {
  registry.push(ORIGIN, "app", "v1", imageOf("a"));
  registry.fail(ORIGIN, { isCorrupt: true });
  await expect(ensure(ask("app:v1"))).rejects.toMatchObject({ code: "image_digest_mismatch" });
  expect([node.images.list(), stagingNames(), readdirSync(join(folder, "images/parts"))]).toEqual([[], [], []]);
  registry.fail(ORIGIN, {});
  await ensure(ask("app:v1"));
});

test("an image that lies about its layers is never seen", async () => {
  const honest = layerOf("a");
  const lying = buildImage({ layers: [{ ...honest, diffId: digestOf(Buffer.from("other")) }], architecture: "amd64" });
  registry.push(ORIGIN, "app", "v1", lying);
  await expect(ensure(ask("app:v1"))).rejects.toMatchObject({ code: "image_digest_mismatch" });
  expect([node.images.list(), stagingNames()]).toEqual([[], []]);
  expect(node.images.digests()).not.toContain(honest.digest);
});

test("a hostile layer is refused, nothing is named, and its other layers stay for the next", async () => {
  const hostile = builtLayer(tarArchive([[tarEntry("../x", "file"), Buffer.from("x")]]), "none");
  registry.push(ORIGIN, "app", "v1", buildImage({ layers: [hostile], architecture: "amd64" }));
  await expect(ensure(ask("app:v1"))).rejects.toMatchObject({ code: "image_refused", retry: "never" });
  expect([node.images.list(), stagingNames()]).toEqual([[], []]);
});

test("only what is not there yet is fetched", async () => {
  registry.push(ORIGIN, "one", "v1", imageOf("base", "x"));
  registry.push(ORIGIN, "two", "v1", imageOf("base", "yy"));
  await ensure(ask("one:v1"));
  registry.seen.length = 0;
  const two = await ensure(ask("two:v1"));
  expect(blobRequests().length).toBe(2); // Its config and its upper layer.
  expect(two.layerPaths[1]).toBe(node.images.lookup(ask("one:v1"))?.layerPaths[1]);
});

test("a tag that moved is seen by Always and by nobody else", async () => {
  const [before, after] = [imageOf("a"), imageOf("b")];
  registry.push(ORIGIN, "app", "v1", before);
  await ensure(ask("app:v1"));
  registry.push(ORIGIN, "app", "v1", after);
  expect((await ensure(ask("app:v1"))).digest).toBe(before.digest);
  expect(node.images.lookup(ask("app:v1", { policy: "Always" }))).toBeUndefined();
  expect((await ensure(ask("app:v1", { policy: "Always" }))).digest).toBe(after.digest);
  expect((await ensure(ask("app:v1"))).digest).toBe(after.digest);
});

test("Always asks for one digest when nothing has changed, and fails when it cannot", async () => {
  registry.push(ORIGIN, "app", "v1", imageOf("a"));
  await ensure(ask("app:v1"));
  registry.seen.length = 0;
  await ensure(ask("app:v1", { policy: "Always" }));
  expect(registry.seen.map(({ what }) => what)).toEqual(["app/manifests/v1"]);
  registry.fail(ORIGIN, { isDown: true });
  await expect(ensure(ask("app:v1", { policy: "Always" }))).rejects.toMatchObject({ code: "image_pull_failed" });
  await ensure(ask("app:v1"));
});

test("Never takes what is there and asks nobody", async () => {
  registry.push(ORIGIN, "app", "v1", imageOf("a"));
  await expect(ensure(ask("app:v1", { policy: "Never" }))).rejects.toThrow("pull policy is Never");
  expect(registry.seen).toEqual([]);
  await ensure(ask("app:v1"));
  expect(await ensure(ask("app:v1", { policy: "Never" }))).toEqual(await ensure(ask("app:v1")));
});

test("an image is found by its digest and by that of its index, in its repository", async () => {
  const image = imageOf("a");
  const index = buildIndex({ s390x: imageOf("b"), amd64: image });
  registry.push(ORIGIN, "app", "v1", index);
  const byTag = await ensure(ask("app:v1"));
  expect(byTag.digest).toBe(image.digest);
  for (const digest of [image.digest, index.digest]) {
    expect(node.images.lookup(ask(`app@${digest}`))?.digest).toBe(image.digest);
    expect(node.images.lookup(ask(`app:other@${digest}`))?.digest).toBe(image.digest);
    expect(node.images.lookup(ask(`elsewhere@${digest}`))).toBeUndefined();
  }
});

test("an image for other machines only is not found, and the error names them", async () => {
  registry.push(ORIGIN, "app", "v1", buildIndex({ s390x: imageOf("a"), arm64: imageOf("b") }));
  await expect(ensure(ask("app:v1"))).rejects.toThrow("is not for linux/amd64 but for linux/arm64, linux/s390x");
  registry.push(ORIGIN, "app", "v2", buildImage({ layers: [], architecture: "arm64" }));
  await expect(ensure(ask("app:v2"))).rejects.toThrow("is for linux/arm64, this node is linux/amd64");
});

test("mirrors are asked in order, then the registry; one that is down or wrong leads to the next", async () => {
  const endpoint = { origin: MIRROR, repositoryPrefix: "", caPath: undefined, isUnverified: false };
  node = boot({ mirrors: new Map([["*", { endpoints: [endpoint], hasFallback: true }]]) });
  const image = imageOf("a");
  registry.push(ORIGIN, "app", "v1", image);
  await ensure(ask("app:v1"));
  registry.push(MIRROR, "app", "v2", imageOf("b"));
  registry.push(ORIGIN, "app", "v2", imageOf("b"));
  registry.fail(MIRROR, { isCorrupt: true });
  await ensure(ask("app:v2"));
  registry.fail(MIRROR, { isDown: true });
  registry.push(ORIGIN, "app", "v3", imageOf("c"));
  await ensure(ask("app:v3"));
  await expect(ensure(ask("app:v4"))).rejects.toMatchObject({
    code: "image_not_found",
    message: expect.stringMatching(/mirror\.example cannot be reached; https:\/\/reg\.example/),
  });
});

test("credentials go to their registry alone", async () => {
  const endpoint = { origin: MIRROR, repositoryPrefix: "", caPath: undefined, isUnverified: false };
  node = boot({ mirrors: new Map([["reg.example", { endpoints: [endpoint], hasFallback: true }]]) });
  registry.push(ORIGIN, "app", "v1", imageOf("a"));
  registry.lock(ORIGIN, "ann", "secret");
  const ann: RegistryCredentials = { username: "ann", password: "secret" };
  await expect(ensure(ask("app:v1"))).rejects.toMatchObject({ code: "image_unauthorized" });
  await ensure(
    ask("app:v1", { credentials: { "reg.example": ann, "other.example": { username: "bob", password: "b" } } }),
  );
  expect(new Set(registry.seen.filter(({ origin }) => origin === MIRROR).map(({ username }) => username))).toEqual(
    new Set([undefined]),
  );
});

test("a registry that is down is an error within two seconds", async () => {
  registry.fail(ORIGIN, { isDown: true });
  const startedMs = performance.now();
  await expect(ensure(ask("app:v1"))).rejects.toThrow("pull reg.example/app:v1: https://reg.example cannot be reached");
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});

test("what a crash left half made is gone after a start", async () => {
  registry.push(ORIGIN, "app", "v1", imageOf("a", "bb"));
  const { layerPaths } = await ensure(ask("app:v1"));
  mkdirSync(join(folder, "images/staging/abc-1/fs"), { recursive: true });
  writeFileSync(join(folder, "images/blobs/half.new"), "half");
  writeFileSync(join(layerPaths[0] ?? "", "../layer.json"), '{"diffId":');
  node = boot();
  expect(node.images.lookup(ask("app:v1"))).toBeUndefined();
  expect([stagingNames(), existsSync(join(folder, "images/blobs/half.new"))]).toEqual([[], false]);
  registry.fail(ORIGIN, { isDown: true });
  // Everything that is needed stands in blobs.
  expect((await ensure(ask("app:v1"))).layerPaths).toEqual(layerPaths);
});

test("layers that a power cut may have spoilt are unpacked again, flushed ones are trusted", async () => {
  registry.push(ORIGIN, "one", "v1", imageOf("a"));
  registry.push(ORIGIN, "two", "v1", imageOf("bb"));
  const clock = new ManualClock();
  node = boot({ clock });
  const one = await ensure(ask("one:v1"));
  await clock.advance(2_000);
  await waitFor("the flush", () => existsSync(join(one.layerPaths[0] ?? "", "../durable")));
  const two = await ensure(ask("two:v1"));
  writeFileSync(join(two.layerPaths[0] ?? "", "bb"), "lost");
  expect(boot().images.lookup(ask("two:v1"))).toEqual(two); // Same boot: only the agent restarted.
  node = boot({ bootId: "second" });
  expect(node.images.lookup(ask("one:v1"))).toEqual(one);
  expect(node.images.lookup(ask("two:v1"))).toBeUndefined();
  registry.fail(ORIGIN, { isDown: true });
  expect(await ensure(ask("two:v1"))).toEqual(two);
  expect(readFileSync(join(two.layerPaths[0] ?? "", "bb")).length).toBe(5_000);
});

test("a damaged file of names is put aside, and pulling finds everything on disk", async () => {
  registry.push(ORIGIN, "app", "v1", imageOf("a"));
  await ensure(ask("app:v1"));
  writeFileSync(join(folder, "images/names.json"), "{");
  node = boot();
  expect(node.images.list()).toEqual([]);
  expect(readFileSync(join(folder, "images/names.json.damaged"), "utf8")).toBe("{");
  registry.seen.length = 0;
  await ensure(ask("app:v1"));
  expect(blobRequests()).toEqual([]);
});

test("a manifest that the disk has changed is fetched again", async () => {
  const image = imageOf("a");
  registry.push(ORIGIN, "app", "v1", image);
  await ensure(ask(`app@${image.digest}`));
  await node.images.remove(`reg.example/app@${image.digest}`);
  writeFileSync(join(folder, "images/blobs", image.digest.slice(7)), "changed");
  registry.seen.length = 0;
  await ensure(ask(`app@${image.digest}`));
  expect(registry.seen.map(({ what }) => shortOf(what))).toEqual([shortOf(`app/manifests/${image.digest}`)]);
});

test("pruning deletes what no name, no container and no running pull needs, and nothing else", async () => {
  registry.push(ORIGIN, "one", "v1", imageOf("base", "x"));
  registry.push(ORIGIN, "two", "v1", imageOf("base", "yy"));
  const one = await ensure(ask("one:v1"));
  const two = await ensure(ask("two:v1"));
  expect(await node.images.prune()).toBe(0);
  await node.rootFs.prepare("c1", one);
  await node.images.remove("reg.example/one:v1");
  await node.images.remove("reg.example/one:v1");
  expect(await node.images.prune()).toBeGreaterThan(5_000); // Its blobs; a container stands on its layers.
  expect([...one.layerPaths, ...two.layerPaths].every((path) => existsSync(path))).toBe(true);
  await node.rootFs.remove("c1");
  expect(await node.images.prune()).toBeGreaterThan(5_000);
  expect(existsSync(one.layerPaths[0] ?? "")).toBe(false);
  expect(node.images.lookup(ask("two:v1"))).toEqual(two);
  expect([stagingNames(), readdirSync(join(folder, "images/layers")).length]).toEqual([[], 2]);
});

test("pruning leaves what a running pull has brought", async () => {
  const image = imageOf("a", "bb");
  registry.push(ORIGIN, "app", "v1", image);
  let lift = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    lift = resolve;
  });
  registry.fail(ORIGIN, { gate: (digest) => (digest === image.blobs[2]?.digest ? gate : Promise.resolve()) });
  const pull = ensure(ask("app:v1"));
  await waitFor("the first layer", () => readdirSync(join(folder, "images/layers")).length > 0);
  expect(await node.images.prune()).toBe(0);
  lift();
  const local = await pull;
  expect(local.layerPaths.every((path) => existsSync(path))).toBe(true);
  expect(boot().images.lookup(ask("app:v1"))).toEqual(local);
});

test("an image that has a layer twice names it once, where it is topmost", async () => {
  registry.push(ORIGIN, "app", "v1", imageOf("a", "bb", "a"));
  const { layerPaths } = await ensure(ask("app:v1"));
  expect(layerPaths.map((path) => readdirSync(path)[0])).toEqual(["a", "bb"]);
});

test("an image without layers is one", async () => {
  registry.push(ORIGIN, "scratch", "v1", imageOf());
  expect((await ensure(ask("scratch:v1"))).layerPaths).toEqual([]);
});

test("a full disk is disk_failed at the first try, and the pull goes on when there is room", async () => {
  const tiny = await openMountNamespace("tiny");
  rmSync(folder, { recursive: true });
  folder = tiny.folder;
  node = boot();
  registry.push(ORIGIN, "app", "v1", buildImage({ layers: [layerOf("big", 400_000)], architecture: "amd64" }));
  writeFileSync(join(folder, "ballast"), Buffer.alloc(700_000));
  await expect(ensure(ask("app:v1"))).rejects.toMatchObject({ code: "disk_failed" });
  expect(blobRequests().length).toBe(2);
  expect(node.images.list()).toEqual([]);
  rmSync(join(folder, "ballast"));
  await ensure(ask("app:v1"));
  await tiny.close();
});
