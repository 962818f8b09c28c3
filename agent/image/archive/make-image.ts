// Edge: makes an image of a layer.
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { changedConfig } from "../../../kinds/image-changes.js";
import { TallshipError } from "../../../lib/errors.js";
import type { JsonObject } from "../../../lib/json-shape.js";
import { limit } from "../../../lib/limits.js";
import { digestOf } from "../digest.js";
import type { LoadOptions, MakeOrder } from "../images.js";
import { parseJsonObject } from "../json-shape.js";
import { parseManifest } from "../manifest.js";
import type { ContentStore } from "../store/content-store.js";
import type { ArchiveFile } from "./archive-files.js";
import { imageName } from "./archived-images.js";
import { type ImportedImage, type ImportParts, takeIn } from "./import-archive.js";
import { type BaseImage, madeConfig, madeManifest } from "./made-image.js";

/**
 * Makes an image of one layer, on top of another or alone. The layer is judged as any layer is; nothing is named before all of the image is there. Failures: those of
 * taking in an archive, and not_found when content of the image below is not here.
 */
export async function makeImage(
  parts: ImportParts,
  order: MakeOrder & { readonly createdAt: string },
  options: LoadOptions,
): Promise<ImportedImage> {
  const { store, pin, platform } = parts;
  const names = options.names.map(imageName);
  if (names.length === 0) throw new TallshipError("invalid_argument", "the image needs a name");
  const base = order.base === undefined ? undefined : await baseImage(store, order.base);
  // Before anything is read: a wrong word should not cost the copying of a gigabyte.
  const run = changedConfig(order.run(base?.config["config"]), order.changes);
  const folder = store.stagingPath("sha256:made-image");
  try {
    const layer = await writeLayer(order.layer, join(folder, "layer"), options);
    const config = bytesOf(madeConfig(base?.config ?? platformWords(platform), layer.digest, { ...order, run }));
    const configDigest = digestOf(config);
    pin.add(configDigest);
    await store.writeBlob(configDigest, config);
    const made = madeManifest(base, { digest: configDigest, sizeBytes: config.length }, layer);
    const manifest = bytesOf(made.manifest);
    const image = { ...made, names, digest: digestOf(manifest), madeManifest: manifest };
    return await takeIn(parts, image, new Map([["layer", layer]]), options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function bytesOf(value: JsonObject): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function platformWords({ os, architecture, variant }: ImportParts["platform"]): JsonObject {
  return { os, architecture, ...(variant === "" ? {} : { variant }) };
}

async function baseImage(store: ContentStore, digest: string): Promise<BaseImage> {
  const manifest = parseManifest(await blobOf(store, digest), digest);
  if (manifest.is !== "image") throw new TallshipError("image_refused", `${digest} is an index, not an image`);
  const config = parseJsonObject(await blobOf(store, manifest.config.digest), `config of ${digest}`);
  return { layers: manifest.layers, config };
}

async function blobOf(store: ContentStore, digest: string): Promise<Uint8Array> {
  const bytes = await store.readBlob(digest);
  if (bytes !== undefined) return bytes;
  throw new TallshipError("not_found", `${digest} is not on this node`);
}

async function writeLayer(
  layer: AsyncIterable<Uint8Array>,
  diskPath: string,
  { signal, onProgress }: LoadOptions,
): Promise<ArchiveFile> {
  mkdirSync(join(diskPath, ".."), { recursive: true, mode: 0o700 });
  const file = await open(diskPath, "ax", 0o600);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  try {
    for await (const bytes of layer) {
      if (signal.aborted) break;
      sizeBytes += bytes.length;
      if (sizeBytes > limit("imageUnpackedBytes"))
        throw new TallshipError("image_refused", `the layer has more than ${limit("imageUnpackedBytes")} bytes`);
      hash.update(bytes);
      await file.appendFile(bytes);
      onProgress("receiving", sizeBytes, 0);
    }
    // Who was told to stop ends what it sends as if that were all.
    if (signal.aborted) throw new TallshipError("cancelled", "the making of an image was cancelled");
  } finally {
    await file.close();
  }
  return { diskPath, digest: `sha256:${hash.digest("hex")}`, sizeBytes };
}
