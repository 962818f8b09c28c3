// Edge: reads blobs for an archive.
import { createReadStream, statSync } from "node:fs";
import { parseReference } from "../../../kinds/image-reference.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { tarEntry } from "../../../lib/tar/entry.js";
import { tarEnd, tarHeader, tarPadding } from "../../../lib/tar/tar-writer.js";
import type { ImageSpec } from "../../../proto/gen/tallship/v1/image.js";
import { OCI_TYPES } from "../manifest.js";
import type { ContentStore } from "../store/content-store.js";

/** An image and the name that it gets in an archive. */
export interface ExportedImage {
  readonly name: string;
  readonly spec: ImageSpec;
}

/**
 * Images as one archive: an OCI layout, with the file beside it that docker load of before OCI wants. Content that several share is there once. Throws not_found, before its first byte, when
 * something is not here.
 */
export async function* exportArchive(
  store: ContentStore,
  images: readonly ExportedImage[],
): AsyncGenerator<Uint8Array> {
  const digests = new Set(
    images.flatMap(({ spec }) => [spec.digest, spec.configDigest, ...spec.layers.map(({ digest }) => digest)]),
  );
  const missing = [...digests].find((digest) => !store.hasBlob(digest));
  if (missing !== undefined) throw new TallshipError("not_found", `${missing} is not on this node`);
  yield* small("oci-layout", { imageLayoutVersion: "1.0.0" });
  yield* small("index.json", {
    schemaVersion: 2,
    mediaType: OCI_TYPES.index,
    manifests: images.map((each) => pointerTo(store, each)),
  });
  yield* small("manifest.json", images.map(dockerEntry));
  for (const digest of digests) {
    const sizeBytes = sizeOf(store, digest);
    yield tarHeader(tarEntry(pathOf(digest), "file", { sizeBytes }));
    yield* createReadStream(store.blobPath(digest), { highWaterMark: limit("imageChunkBytes") });
    yield tarPadding(sizeBytes);
  }
  yield tarEnd();
}

function pointerTo(store: ContentStore, { name, spec }: ExportedImage): unknown {
  const annotations = {
    "io.containerd.image.name": name,
    "org.opencontainers.image.ref.name": parseReference(name).tag,
  };
  const { os = "", architecture = "" } = spec.platform ?? {};
  return {
    ...{ mediaType: OCI_TYPES.manifest, digest: spec.digest, size: sizeOf(store, spec.digest) },
    ...{ platform: { os, architecture }, annotations },
  };
}

function dockerEntry({ name, spec }: ExportedImage): unknown {
  const short = name.replace(/^docker\.io\/(library\/)?/, "");
  return {
    Config: pathOf(spec.configDigest),
    RepoTags: [short],
    Layers: spec.layers.map(({ digest }) => pathOf(digest)),
  };
}

function pathOf(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

function sizeOf(store: ContentStore, digest: string): number {
  return statSync(store.blobPath(digest)).size;
}

function* small(path: string, value: unknown): Generator<Uint8Array> {
  const bytes = Buffer.from(JSON.stringify(value));
  yield tarHeader(tarEntry(path, "file", { sizeBytes: bytes.length }));
  yield bytes;
  yield tarPadding(bytes.length);
}
