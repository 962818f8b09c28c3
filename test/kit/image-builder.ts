import { gzipSync } from "node:zlib";
import {
  type BuiltConfig,
  type BuiltImage,
  type BuiltLayer,
  content,
  digestOf,
  FORMATS,
  jsonContent,
  pointerTo,
} from "./built-image.js";

/** An image to build. */
export interface ImagePlan {
  /** Lowest first. */
  readonly layers: readonly BuiltLayer[];
  readonly config?: BuiltConfig;
  readonly format?: keyof typeof FORMATS;
  readonly architecture?: string;
}

/** A layer of an uncompressed tar archive, packed with gzip unless told otherwise. Same input, same bytes. */
export function builtLayer(tar: Uint8Array, compression: "gzip" | "none" = "gzip"): BuiltLayer {
  const bytes = compression === "gzip" ? gzipSync(tar, { level: 6 }) : tar;
  const suffix = compression === "gzip" ? "+gzip" : "";
  return { ...content(`application/vnd.oci.image.layer.v1.tar${suffix}`, bytes), diffId: digestOf(tar) };
}

/** Builds an image for this machine's architecture. Same plan, same digest. */
export function buildImage(plan: ImagePlan): BuiltImage {
  const { layers, format = "oci", architecture = process.arch === "x64" ? "amd64" : process.arch } = plan;
  const types = FORMATS[format];
  const config = jsonContent(types.config, {
    architecture,
    os: "linux",
    config: plan.config ?? {},
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = jsonContent(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: pointerTo(config),
    layers: layers.map(pointerTo),
  });
  return { ...manifest, blobs: [config, ...layers], children: [] };
}

/** An index of images by architecture. */
export function buildIndex(
  images: Readonly<Record<string, BuiltImage>>,
  format: keyof typeof FORMATS = "oci",
): BuiltImage {
  const types = FORMATS[format];
  const manifests = Object.entries(images).map(([architecture, image]) => ({
    ...pointerTo(image),
    platform: { os: "linux", architecture },
  }));
  const index = jsonContent(types.index, { schemaVersion: 2, mediaType: types.index, manifests });
  return { ...index, blobs: [], children: Object.values(images) };
}
