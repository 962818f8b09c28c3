import { expect, test } from "vitest";
import { Image } from "../../proto/gen/tallship/v1/image.js";
import { findImage, findNames } from "./look-at-images.js";

const IDS: Readonly<Record<string, string>> = {
  "docker.io/library/app:v1": `sha256:abcd1${"0".repeat(59)}`,
  "docker.io/library/app:v2": `sha256:abcd1${"0".repeat(59)}`,
  "docker.io/library/other:latest": `sha256:abcd2${"0".repeat(59)}`,
  // Somebody may call an image so.
  "docker.io/library/cafe:latest": `sha256:${"1".repeat(64)}`,
  "docker.io/library/third:latest": `sha256:cafe${"0".repeat(60)}`,
};
const objects = Object.entries(IDS).map(([name, configDigest]) => ({
  object: Image.fromPartial({ metadata: { name }, spec: { configDigest } }),
}));
const view = {
  get: (_: string, __: string, name: string) => objects.find(({ object }) => object.metadata?.name === name)?.object,
  list: () => objects,
} as unknown as Parameters<typeof findImage>[0];

// The first of each is a word that `images` prints, or a part of one.
const rows = [
  { word: "app:v1", want: ["app:v1"] },
  { word: "abcd1", want: ["app:v1", "app:v2"] },
  { word: `sha256:abcd2${"0".repeat(59)}`, want: ["other:latest"] },
  { word: "cafe", want: ["cafe:latest"] },
  { word: "ffff", want: [] },
  { word: "nothing", want: [] },
];

test.each(rows)("$word means $want", ({ word, want }) => {
  expect(findNames(view, word).map(({ name }) => name.replace("docker.io/library/", ""))).toEqual(want);
});

test("the beginning of several images' ids means none of them, and what nobody has is named whole", () => {
  expect(() => findImage(view, "abcd")).toThrow("abcd is the beginning of 2 images' ids");
  expect(() => findImage(view, "nothing")).toThrow("docker.io/library/nothing:latest is not the name");
});
