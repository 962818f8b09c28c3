// Edge: links an image's content into a folder.
import { link, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TallshipError } from "../../../lib/errors.js";
import { asList, asObject, type JsonObject } from "../../../lib/json-shape.js";
import { digestOf } from "../digest.js";
import { parseJsonObject } from "../json-shape.js";
import { parseManifest } from "../manifest.js";
import type { ContentStore } from "../store/content-store.js";

/**
 * Lays an image of the store out in a new folder, as containers' tools know it by `dir:`: its manifest, and each blob under its digest. Blobs are linked, not copied. Any form of manifest will
 * do. Those tools refuse to build on an image whose history does not tell of each layer: such a one gets one, and with it another digest. image_not_found when content is missing.
 */
export async function layOut(store: ContentStore, digest: string, folder: string): Promise<void> {
  const bytes = await contentOf(store, digest, digest);
  const manifest = parseManifest(bytes, digest);
  if (manifest.is !== "image") throw missing(digest, digest);
  const configBytes = await contentOf(store, digest, manifest.config.digest);
  const config = withHistory(parseJsonObject(configBytes, manifest.config.digest), manifest.layers.length);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, "version"), "Directory Transport Version: 1.1\n");
  await writeFile(join(folder, "manifest.json"), config === undefined ? bytes : withConfig(bytes, config));
  await writeFile(join(folder, hexOf(digestOf(config ?? configBytes))), config ?? configBytes);
  for (const blob of new Set(manifest.layers.map((each) => each.digest))) {
    if (!store.hasBlob(blob)) throw missing(digest, blob);
    await link(store.blobPath(blob), join(folder, hexOf(blob)));
  }
}

/** Undefined when its history is as it must be. */
function withHistory(config: JsonObject, layerCount: number): Uint8Array | undefined {
  const told = asList(config["history"]).filter((entry) => asObject(entry)?.["empty_layer"] !== true);
  if (told.length === layerCount) return undefined;
  const history = Array.from({ length: layerCount }, () => ({ created_by: "an image without history" }));
  return new TextEncoder().encode(JSON.stringify({ ...config, history }));
}

function withConfig(manifestBytes: Uint8Array, config: Uint8Array): string {
  const manifest = parseJsonObject(manifestBytes, "manifest");
  const pointer = { ...asObject(manifest["config"]), digest: digestOf(config), size: config.length };
  return JSON.stringify({ ...manifest, config: pointer });
}

async function contentOf(store: ContentStore, image: string, digest: string): Promise<Uint8Array> {
  const bytes = await store.readBlob(digest);
  if (bytes === undefined) throw missing(image, digest);
  return bytes;
}

function hexOf(digest: string): string {
  return digest.replace("sha256:", "");
}

function missing(image: string, digest: string): TallshipError {
  return new TallshipError("image_not_found", `the content ${digest} of image ${image} is not on this node`);
}
