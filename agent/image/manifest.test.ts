import fc from "fast-check";
import { expect, test } from "vitest";
import { digestOf, pointerTo } from "../../test/kit/built-image.js";
import { buildImage, buildIndex, builtLayer } from "../../test/kit/image-builder.js";
import { parseConfig, parseManifest } from "./manifest.js";
import { platformOfNode, selectPlatform } from "./platform.js";

const layer = builtLayer(Buffer.alloc(1_024));
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const D = digestOf(Buffer.from("x"));
const pointer = { mediaType: "application/vnd.oci.image.config.v1+json", digest: D, size: 1 };

for (const format of ["oci", "docker"] as const) {
  test(`a manifest and an index of ${format} are read`, () => {
    const image = buildImage({ layers: [layer], format });
    const parsed = parseManifest(image.bytes, "x");
    expect(parsed.is === "image" && parsed.layers.map(({ digest }) => digest)).toEqual([layer.digest]);
    const index = parseManifest(buildIndex({ amd64: image }, format).bytes, "x");
    expect(index.is === "index" && index.entries[0]?.platform).toEqual({
      os: "linux",
      architecture: "amd64",
      variant: "",
    });
  });
}

test("an image's config is read with what is missing left empty", () => {
  const image = buildImage({
    layers: [layer],
    config: { Entrypoint: ["/x"], Env: ["A=1"], User: "7:8", Labels: { a: "b" } },
  });
  const { config, diffIds } = parseConfig(image.blobs[0]?.bytes ?? new Uint8Array(), 1, "x");
  expect(diffIds).toEqual([layer.diffId]);
  expect(config).toEqual({
    ...{
      entrypoint: ["/x"],
      command: [],
      env: ["A=1"],
      workingDir: "",
      user: "7:8",
      stopSignal: "",
      labels: { a: "b" },
    },
  });
});

const refused = [
  { name: "no JSON", bytes: Buffer.from("{"), want: "is not JSON" },
  { name: "bytes that are no UTF-8", bytes: Buffer.from([0x22, 0xff, 0x22]), want: "is not JSON" },
  { name: "a list", bytes: json([]), want: "is not a JSON object" },
  { name: "schema 1", bytes: json({ schemaVersion: 1, fsLayers: [] }), want: "schema version 1" },
  { name: "no schema", bytes: json({ layers: [] }), want: "schema version undefined" },
  {
    name: "an index that is also an image",
    bytes: json({ schemaVersion: 2, manifests: [], layers: [] }),
    want: "neither clearly",
  },
  {
    name: "an index with a config",
    bytes: json({ schemaVersion: 2, manifests: [], config: pointer }),
    want: "neither clearly",
  },
  { name: "nothing", bytes: json({ schemaVersion: 2 }), want: "neither clearly" },
  {
    name: "a chart",
    bytes: json({ schemaVersion: 2, config: { ...pointer, mediaType: "application/vnd.cncf.helm.config.v1+json" } }),
    want: "no container image",
  },
  {
    name: "another digest",
    bytes: json({ schemaVersion: 2, config: { ...pointer, digest: "sha512:x" } }),
    want: '"sha512:x"',
  },
  {
    name: "a path as digest",
    bytes: json({ schemaVersion: 2, config: { ...pointer, digest: `${D}/../x` } }),
    want: "points to",
  },
  { name: "a negative size", bytes: json({ schemaVersion: 2, config: { ...pointer, size: -1 } }), want: "the size -1" },
  {
    name: "too many layers",
    bytes: json({ schemaVersion: 2, config: pointer, layers: Array.from({ length: 501 }, () => pointer) }),
    want: "501 layers, more than 500",
  },
];

for (const { name, bytes, want } of refused) {
  test(`refused: ${name}`, () => {
    expect(() => parseManifest(bytes, "app:v1")).toThrow(want);
    expect(() => parseManifest(bytes, "app:v1")).toThrow(expect.objectContaining({ code: "image_refused" }));
  });
}

test("a config that names other than its manifest's layers is refused", () => {
  const { bytes } = buildImage({ layers: [layer] }).blobs[0] ?? { bytes: new Uint8Array() };
  expect(() => parseConfig(bytes, 2, "x")).toThrow("has 2 layers, its config 1 diff ids");
  expect(() => parseConfig(json({ rootfs: { diff_ids: ["../../etc"] } }), 1, "x")).toThrow("1 layers");
});

test("any JSON is read or refused", () => {
  const value = fc.jsonValue();
  const almost = fc.record(
    { schemaVersion: fc.constant(2), config: value, layers: value },
    { requiredKeys: ["schemaVersion"] },
  );
  fc.assert(
    fc.property(fc.oneof(value, almost), (each) => {
      for (const parse of [() => parseManifest(json(each), "x"), () => parseConfig(json(each), 1, "x")]) {
        try {
          parse();
        } catch (error) {
          expect(error).toMatchObject({ code: "image_refused" });
        }
      }
    }),
    { numRuns: 1_000, seed: 1 },
  );
});

const entry = (architecture: string, variant = "", os = "linux") => ({
  ...pointerTo({ mediaType: "m", digest: `${os}/${architecture}/${variant}`, bytes: new Uint8Array() }),
  platform: { os, architecture, variant },
});

// The right image of an index; the second column is what the node is.
const choices: readonly (readonly [string, string, readonly ReturnType<typeof entry>[], string | undefined])[] = [
  ["the only one", "x64", [entry("amd64")], "linux/amd64/"],
  ["not that of another system", "x64", [entry("amd64", "", "windows"), entry("amd64")], "linux/amd64/"],
  ["none when none fits", "x64", [entry("arm64")], undefined],
  ["the baseline before what may be too new", "x64", [entry("amd64", "v3"), entry("amd64")], "linux/amd64/"],
  ["the baseline by its name", "x64", [entry("amd64", "v1")], "linux/amd64/v1"],
  ["the very variant", "arm", [entry("arm", "v6"), entry("arm", "v7"), entry("arm", "v5")], "linux/arm/v7"],
  ["the nearest older variant", "arm", [entry("arm", "v5"), entry("arm", "v6")], "linux/arm/v6"],
  ["none that is too new", "arm", [entry("arm", "v8")], undefined],
  ["one without a variant for one with", "arm64", [entry("arm64")], "linux/arm64/"],
];

for (const [name, arch, entries, want] of choices) {
  test(`of an index is chosen ${name}`, () => {
    expect(selectPlatform(entries, platformOfNode(arch))?.digest).toBe(want);
  });
}

test("an attestation without platform is never chosen", () => {
  expect(selectPlatform([{ platform: undefined }], platformOfNode("x64"))).toBeUndefined();
});
