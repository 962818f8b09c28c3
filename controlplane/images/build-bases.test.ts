import { expect, test } from "vitest";
import { Image } from "../../proto/gen/tallship/v1/image.js";
import { BuildSecret, BuildStart } from "../../proto/gen/tallship/v1/images.js";
import { buildBases, imageNameOf } from "./build-bases.js";

const OWN = "docker.io/library/own:latest";
const DIGEST = `sha256:${"a".repeat(64)}`;
const view = {
  get: (kind: string, _: string, name: string) =>
    kind === "Image" && name === OWN ? Image.fromPartial({ metadata: { name }, spec: { digest: DIGEST } }) : undefined,
} as Parameters<typeof buildBases>[0];

const start = (text: string, more: Partial<BuildStart> = {}): BuildStart =>
  BuildStart.fromPartial({ dockerfile: Buffer.from(text), ...more });

test("an image of the cluster is named by what it stands for now, another is a registry's to say", () => {
  expect(buildBases(view, start("FROM own\nCOPY --from=reg.example/other:1 /a /a"))).toEqual([
    { name: OWN, digest: DIGEST, isFromRegistry: false },
    { name: "reg.example/other:1", digest: "", isFromRegistry: false },
  ]);
});

test("a Dockerfile that is too long, and too many secrets, are refused", () => {
  expect(() => buildBases(view, start(`FROM own\n#${"x".repeat(2 ** 20)}`))).toThrow("more than 1048576 bytes");
  const secrets = Array.from({ length: 65 }, (_, at) => BuildSecret.fromPartial({ id: `${at}` }));
  expect(() => buildBases(view, start("FROM own", { secrets }))).toThrow("more than 64");
});

test("a name is made whole, and must have no digest", () => {
  expect(imageNameOf("my-ai-model")).toBe("docker.io/library/my-ai-model:latest");
  expect(() => imageNameOf(`app@${DIGEST}`)).toThrow("has a digest");
});
