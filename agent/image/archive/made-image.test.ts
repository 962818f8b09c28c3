import { expect, test } from "vitest";
import { OCI_TYPES } from "../manifest.js";
import { madeConfig, madeManifest } from "./made-image.js";

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const made = {
  run: { Cmd: ["sh"] },
  author: "ann",
  comment: "why",
  createdBy: "serve",
  createdAt: "2026-01-31T12:00:00Z",
};

test("an image on another has its layers, its history and its platform, and one layer more", () => {
  const base = {
    ...{ architecture: "arm64", variant: "v8", os: "linux", author: "bob", container: "abc", config: { Cmd: ["old"] } },
    rootfs: { type: "layers", diff_ids: [digest("1")] },
    history: [{ created_by: "ADD" }],
  };
  expect(madeConfig(base, digest("2"), made)).toEqual({
    ...{ architecture: "arm64", variant: "v8", os: "linux", author: "ann", created: made.createdAt },
    config: { Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [digest("1"), digest("2")] },
    history: [{ created_by: "ADD" }, { created: made.createdAt, created_by: "serve", author: "ann", comment: "why" }],
  });
});

test("an image on nothing has one layer, and says nothing that it was not told", () => {
  const config = madeConfig({ os: "linux", architecture: "amd64" }, digest("2"), { ...made, author: "", comment: "" });
  expect(config["rootfs"]).toEqual({ type: "layers", diff_ids: [digest("2")] });
  expect(config["history"]).toEqual([{ created: made.createdAt, created_by: "serve" }]);
  expect("author" in config).toBe(false);
});

test("layers of either family of names are told in one, with the packing that they have", () => {
  const layers = ["application/vnd.docker.image.rootfs.diff.tar.gzip", `${OCI_TYPES.layer}+zstd`].map((mediaType) => ({
    ...{ mediaType, digest: digest("1"), sizeBytes: 7 },
  }));
  const { manifest } = madeManifest(
    { layers },
    { digest: digest("c"), sizeBytes: 9 },
    { digest: digest("2"), sizeBytes: 8 },
  );
  expect(manifest["layers"]).toMatchObject([
    { mediaType: `${OCI_TYPES.layer}+gzip`, digest: digest("1"), size: 7 },
    { mediaType: `${OCI_TYPES.layer}+zstd` },
    { mediaType: OCI_TYPES.layer, digest: digest("2"), size: 8 },
  ]);
  expect(manifest["config"]).toEqual({ mediaType: OCI_TYPES.config, digest: digest("c"), size: 9 });
});
