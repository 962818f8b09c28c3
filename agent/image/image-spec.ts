import { formatError } from "../../kinds/formats.js";
import { TallshipError } from "../../lib/errors.js";
import { asText } from "../../lib/json-shape.js";
import { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import { parseJsonObject } from "./json-shape.js";
import { parseConfig, parseManifest } from "./manifest.js";
import type { ContentStore } from "./store/content-store.js";

/** What a name of the cluster is to stand for: an image whose manifest and config are in the store. */
export async function imageSpecOf(store: ContentStore, digest: string): Promise<ImageSpec> {
  const bytes = await read(store, digest);
  const manifest = parseManifest(bytes, digest);
  if (manifest.is !== "image") throw new TallshipError("image_refused", `${digest} is an index, not an image`);
  const { config, layers } = manifest;
  const configBytes = await read(store, config.digest);
  const { platform } = parseConfig(configBytes, layers.length, digest);
  const created = asText(parseJsonObject(configBytes, `config of ${digest}`)["created"]) ?? "";
  return ImageSpec.fromPartial({
    digest,
    configDigest: config.digest,
    platform,
    sizeBytes: [config, ...layers].reduce((sum, each) => sum + each.sizeBytes, bytes.length),
    created: formatError("time", created) === undefined ? created : "",
    layers: layers.map((layer) => ({ digest: layer.digest, sizeBytes: layer.sizeBytes })),
  });
}

async function read(store: ContentStore, digest: string): Promise<Uint8Array> {
  const bytes = await store.readBlob(digest);
  if (bytes !== undefined) return bytes;
  throw new TallshipError("not_found", `${digest} is not on this node`);
}
