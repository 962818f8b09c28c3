import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tarEntry } from "../../../lib/tar/entry.js";
import { tarArchive } from "../../../lib/tar/tar-writer.js";
import { type BuiltImage, pointerTo } from "../../../test/kit/built-image.js";
import { allContent, ociArchive } from "../../../test/kit/image-archive.js";
import { buildImage, buildIndex } from "../../../test/kit/image-builder.js";
import { ImageWorld, imageOf, layerOf } from "../../../test/kit/image-world.js";

let world: ImageWorld;
beforeEach(() => {
  world = new ImageWorld();
});
afterEach(() => world.close());

async function* piecesOf(bytes: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const load = (bytes: Uint8Array, names: readonly string[] = []) =>
  world.images.load(piecesOf(bytes), { names, signal: new AbortController().signal, onProgress: () => undefined });

/** What docker save wrote before it knew OCI: no manifest, a layer that occurs twice as a link. */
function dockerArchive(image: BuiltImage, names: readonly string[]): Uint8Array {
  const [config, ...layers] = image.blobs;
  const manifest = [
    {
      Config: "config.json",
      RepoTags: names,
      Layers: [...layers.map((_, at) => `${at}/layer.tar`), "again/layer.tar"],
    },
  ];
  return tarArchive([
    [tarEntry("config.json", "file"), config?.bytes ?? Buffer.alloc(0)],
    ...layers.map(({ bytes }, at) => [tarEntry(`${at}/layer.tar`, "file"), bytes] as const),
    [tarEntry("again/layer.tar", "symlink", { linkPath: "../0/layer.tar" }), Buffer.alloc(0)],
    [tarEntry("manifest.json", "file"), Buffer.from(JSON.stringify(manifest))],
  ]);
}

const NAME = "docker.io/library/app:v1";
const image = imageOf("one", "two");

describe("an archive is taken in", () => {
  const packed: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
    ["as it is", (bytes) => bytes],
    ["packed with gzip", (bytes) => gzipSync(bytes)],
    ["packed with zstd", (bytes) => execFileSync("zstd", ["-q", "-c"], { input: bytes })],
  ];
  test.each(packed)("%s: its image runs without a registry, under its digest", async (_, pack) => {
    const [loaded] = await load(pack(ociArchive(image, "app:v1")));
    expect(loaded).toMatchObject({
      names: [NAME],
      spec: { digest: image.digest, platform: { architecture: "amd64" } },
    });
    expect(loaded?.spec.layers.map(({ digest }) => digest)).toEqual(image.blobs.slice(1).map(({ digest }) => digest));
    const reference = `docker.io/library/app:v1@${image.digest}`;
    expect(world.images.lookup({ reference, policy: "IfNotPresent", credentials: {} })?.layerPaths).toHaveLength(2);
    expect(world.registry.seen).toEqual([]);
    expect(world.namesIn("staging")).toEqual([]);
    await world.images.prune();
    expect(world.namesIn("blobs")).toHaveLength(4);
  });

  test("of the old form of docker save, with a manifest made for it", async () => {
    const twice = buildImage({ layers: [layerOf("one"), layerOf("two"), layerOf("one")], architecture: "amd64" });
    const once = { ...twice, blobs: twice.blobs.slice(0, 3) };
    const [loaded] = await load(dockerArchive(once, ["app:v1", "reg.example/app:v2"]));
    expect(loaded?.names).toEqual([NAME, "reg.example/app:v2"]);
    expect(loaded?.spec.layers).toHaveLength(3);
    expect(world.images.list().map(({ reference }) => reference)).toEqual([NAME, "reg.example/app:v2"]);
  });

  test("with an index for several platforms: the image of this node's", async () => {
    const other = buildImage({ layers: [layerOf("arm")], architecture: "arm64" });
    const index = buildIndex({ amd64: image, arm64: other });
    const blobs = new Map([...allContent(image), index].map((each) => [each.digest, each.bytes]));
    const top = {
      schemaVersion: 2,
      manifests: [{ ...pointerTo(index), annotations: { "org.opencontainers.image.ref.name": "app:v1" } }],
    };
    const bytes = tarArchive([
      ...[...blobs].map(([digest, each]) => [tarEntry(`./blobs/${digest.replace(":", "/")}`, "file"), each] as const),
      [tarEntry("./index.json", "file"), Buffer.from(JSON.stringify(top))],
    ]);
    expect((await load(bytes))[0]?.spec.digest).toBe(image.digest);
  });

  test("under the names that are asked for, in place of its own", async () => {
    expect((await load(ociArchive(image, "app:v1"), ["other", "reg.example/x:2"]))[0]?.names).toEqual([
      "docker.io/library/other:latest",
      "reg.example/x:2",
    ]);
  });
});

describe("an archive is refused, and leaves nothing,", () => {
  const good = ociArchive(image, "app:v1");
  const lying = (at: number): Uint8Array => {
    const blobs = image.blobs.map((blob, index) =>
      index === at ? { ...blob, bytes: Buffer.alloc(blob.bytes.length, 7) } : blob,
    );
    return ociArchive({ ...image, blobs }, "app:v1");
  };
  const wrongDiff = buildImage({
    layers: [{ ...layerOf("one"), diffId: layerOf("two").diffId }],
    architecture: "amd64",
  });
  const rows: readonly (readonly [string, Uint8Array, string, readonly string[]])[] = [
    ["when it is cut short", good.subarray(0, good.length - 6_000), "image_refused", []],
    ["when it is no archive", Buffer.from("x".repeat(2_000)), "image_refused", []],
    ["when it is empty", Buffer.alloc(0), "image_refused", []],
    ["when it is gzip that breaks off", gzipSync(good).subarray(0, 3_000), "image_refused", []],
    ["when a layer has another content than its name says", lying(1), "image_refused", []],
    ["when the config has another content", lying(0), "image_refused", []],
    ["when a layer unpacks to something else", ociArchive(wrongDiff, "app:v1"), "image_digest_mismatch", []],
    [
      "when it is for another platform",
      ociArchive(buildImage({ layers: [layerOf("arm")], architecture: "arm64" }), "app:v1"),
      "image_not_found",
      [],
    ],
    ["when nobody says what it is called", ociArchive(image, ""), "invalid_argument", []],
    ["when the name it is to get is malformed", good, "invalid_argument", ["App:v1"]],
    ["when the name it is to get has a digest", good, "invalid_argument", [`app@${image.digest}`]],
  ];
  test.each(rows)("%s", async (_, bytes, code, names) => {
    await expect(load(bytes, names)).rejects.toMatchObject({ code });
    expect(world.images.list()).toEqual([]);
    expect(world.namesIn("staging")).toEqual([]);
    await world.images.prune();
    expect(world.namesIn("blobs")).toEqual([]);
    expect(world.namesIn("layers")).toEqual([]);
    expect(world.registry.seen).toEqual([]);
  });

  test("when its reader gives up", async () => {
    const gone = new AbortController();
    const slow = async function* (): AsyncGenerator<Uint8Array> {
      yield good.subarray(0, 1_024);
      gone.abort();
      yield good.subarray(1_024);
    };
    const options = { names: [], signal: gone.signal, onProgress: () => undefined };
    await expect(world.images.load(slow(), options)).rejects.toMatchObject({ code: "cancelled" });
    expect(world.namesIn("staging")).toEqual([]);
  });
});
