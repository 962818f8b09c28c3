import type { RunConfig } from "../../../kinds/image-changes.js";
import { asList, asObject, asTexts, type JsonObject } from "../../../lib/json-shape.js";
import { type Descriptor, OCI_TYPES } from "../manifest.js";
import { written } from "./archived-images.js";

/** An image that another is made on. */
export interface BaseImage {
  readonly layers: readonly Descriptor[];
  /** Its config, whole. */
  readonly config: JsonObject;
}

/** What is said of a layer that is added. */
export interface MadeOf {
  /** How the image is run. */
  readonly run: RunConfig;
  readonly author: string;
  /** What the user says of it. */
  readonly comment: string;
  /** What it was made by. */
  readonly createdBy: string;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** The config of an image that has one layer more, which is not packed: its digest is its diff id. What the base says of itself stays. */
export function madeConfig(base: JsonObject, diffId: string, made: MadeOf): JsonObject {
  const { run, author, comment, createdBy, createdAt } = made;
  const step = { created: createdAt, created_by: createdBy, ...said({ author, comment }) };
  // What Docker's builder noted of one container says nothing of this image.
  const { container: _, container_config: __, ...kept } = base;
  return {
    ...kept,
    created: createdAt,
    ...said({ author }),
    config: run,
    rootfs: { type: "layers", diff_ids: [...asTexts(asObject(base["rootfs"])?.["diff_ids"]), diffId] },
    history: [...asList(base["history"]), step],
  };
}

/** The manifest of such an image, as what the archive of an image comes to. Layers keep their bytes, whichever of its two families of names they had. */
export function madeManifest(
  base: Pick<BaseImage, "layers"> | undefined,
  config: Pick<Descriptor, "digest" | "sizeBytes">,
  layer: Pick<Descriptor, "digest" | "sizeBytes">,
): { readonly manifest: JsonObject; readonly config: Descriptor; readonly layers: readonly Descriptor[] } {
  const own = { mediaType: OCI_TYPES.config, ...sized(config) };
  const layers = [...(base?.layers ?? []).map(inOciWords), { mediaType: OCI_TYPES.layer, ...sized(layer) }];
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_TYPES.manifest,
    config: written(own),
    layers: layers.map(written),
  };
  return { manifest, config: own, layers };
}

function sized({ digest, sizeBytes }: Pick<Descriptor, "digest" | "sizeBytes">) {
  return { digest, sizeBytes };
}

function inOciWords(layer: Descriptor): Descriptor {
  const packing = /^application\/vnd\.docker\.image\.rootfs\.diff\.tar(?:\.(gzip|zstd))?$/.exec(layer.mediaType);
  if (packing === null) return layer;
  return { ...layer, mediaType: packing[1] === undefined ? OCI_TYPES.layer : `${OCI_TYPES.layer}+${packing[1]}` };
}

function said(words: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(Object.entries(words).filter(([, value]) => value !== ""));
}
