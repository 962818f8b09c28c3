import { isDigest } from "../../kinds/image-reference.js";
import { TallshipError } from "../../lib/errors.js";
import { asList, asObject, asText, asTextMap, asTexts, type JsonObject } from "../../lib/json-shape.js";
import { limit } from "../../lib/limits.js";
import type { ImageConfig } from "./images.js";
import { parseJsonObject } from "./json-shape.js";
import type { Platform } from "./platform.js";

/** Media types that OCI images are written with. A layer that is packed has its packing after a plus. */
export const OCI_TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/** Media types of manifests and indexes that are understood, for the Accept header. */
export const MANIFEST_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
] as const;

/** A piece of content that a manifest points to. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** An entry of an index. */
export interface IndexEntry extends Descriptor {
  readonly platform: Platform | undefined;
}

/** What a registry answers for an image: an index of platforms, or one platform's manifest with its layers, lowest first. */
export type Manifest =
  | { readonly is: "index"; readonly entries: readonly IndexEntry[] }
  | { readonly is: "image"; readonly config: Descriptor; readonly layers: readonly Descriptor[] };

/** An image's config: how it is run, and the digests of its unpacked layers, lowest first. */
export interface ParsedConfig {
  readonly config: ImageConfig;
  readonly platform: Platform;
  readonly diffIds: readonly string[];
}

/**
 * Parses an OCI or Docker schema 2 manifest or index. One that could be read as both is image_refused (CVE-2021-41190), as
 * are schema 1 and artifacts that are not container images.
 */
export function parseManifest(bytes: Uint8Array, what: string): Manifest {
  const found = parseJsonObject(bytes, `manifest of ${what}`);
  if (found["schemaVersion"] !== 2) {
    throw refused(what, `has schema version ${String(found["schemaVersion"])}; 2 is supported`);
  }
  const hasManifests = found["manifests"] !== undefined;
  const hasLayers = found["layers"] !== undefined || found["config"] !== undefined;
  if (hasManifests === hasLayers) throw refused(what, "is neither clearly an index nor clearly an image");
  if (hasManifests) return { is: "index", entries: asList(found["manifests"]).map((each) => indexEntry(each, what)) };
  const config = descriptor(found["config"], what);
  if (!/container\.image(\.v1)?\+json$/.test(config.mediaType) && !config.mediaType.endsWith("image.config.v1+json")) {
    throw refused(what, `is no container image but has a config of type ${JSON.stringify(config.mediaType)}`);
  }
  const layers = asList(found["layers"]).map((each) => descriptor(each, what));
  if (layers.length > limit("imageLayers"))
    throw refused(what, `has ${layers.length} layers, more than ${limit("imageLayers")}`);
  return { is: "image", config, layers };
}

/** Parses an image's config. It must name as many layers as its manifest. */
export function parseConfig(bytes: Uint8Array, layerCount: number, what: string): ParsedConfig {
  const found = parseJsonObject(bytes, `config of ${what}`);
  const diffIds = asTexts(asObject(found["rootfs"])?.["diff_ids"]);
  if (diffIds.length !== layerCount || !diffIds.every(isDigest)) {
    throw refused(what, `has ${layerCount} layers, its config ${diffIds.length} diff ids`);
  }
  const run = asObject(found["config"]) ?? {};
  return {
    diffIds,
    platform: platformOf(found),
    config: {
      entrypoint: asTexts(run["Entrypoint"]),
      command: asTexts(run["Cmd"]),
      env: asTexts(run["Env"]),
      workingDir: asText(run["WorkingDir"]) ?? "",
      user: asText(run["User"]) ?? "",
      stopSignal: asText(run["StopSignal"]) ?? "",
      labels: asTextMap(run["Labels"]),
    },
  };
}

function indexEntry(value: unknown, what: string): IndexEntry {
  const platform = asObject(asObject(value)?.["platform"]);
  return { ...descriptor(value, what), platform: platform === undefined ? undefined : platformOf(platform) };
}

function platformOf(found: JsonObject): Platform {
  return {
    os: asText(found["os"]) ?? "",
    architecture: asText(found["architecture"]) ?? "",
    variant: asText(found["variant"]) ?? "",
  };
}

function descriptor(value: unknown, what: string): Descriptor {
  const found = asObject(value);
  const digest = asText(found?.["digest"]);
  const sizeBytes = found?.["size"];
  if (digest === undefined || !isDigest(digest)) throw refused(what, `points to the digest ${JSON.stringify(digest)}`);
  if (typeof sizeBytes !== "number" || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw refused(what, `gives ${digest} the size ${JSON.stringify(sizeBytes)}`);
  }
  return { mediaType: asText(found?.["mediaType"]) ?? "", digest, sizeBytes };
}

function refused(what: string, why: string): TallshipError {
  return new TallshipError("image_refused", `manifest of ${what} ${why}`);
}
