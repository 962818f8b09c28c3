// Edge: takes in an archive of images.
import { readFile, rm } from "node:fs/promises";
import { formatReference, parseReference } from "../../../kinds/image-reference.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { digestOf } from "../digest.js";
import type { LoadOptions } from "../images.js";
import { inflated, packingOf } from "../layer/decompress.js";
import { parseConfig } from "../manifest.js";
import type { Platform } from "../platform.js";
import type { PullRequest } from "../puller.js";
import type { ContentStore } from "../store/content-store.js";
import type { ImageNames, ImageRecord } from "../store/image-names.js";
import { type ArchiveFile, type ArchiveFiles, collectFiles } from "./archive-files.js";
import { type ArchivedImage, archivedImages, imageName } from "./archived-images.js";

/** What taking in an archive needs. */
export interface ImportParts {
  readonly store: ContentStore;
  readonly names: ImageNames;
  readonly platform: Platform;
  /** Unpacks an image whose blobs are all there. */
  readonly unpack: (request: PullRequest) => Promise<ImageRecord>;
  /** Content that must not be pruned before it has a name. */
  readonly pin: Set<string>;
}

/** An image that was taken in. */
export interface ImportedImage {
  /** Whole references. */
  readonly names: readonly string[];
  readonly record: ImageRecord;
}

/**
 * Takes in an archive of images, packed or not, from a stream: blobs verified by digest, layers by diff id. Nothing is named before all of an image is there.
 * Failures: image_refused, image_digest_mismatch, image_not_found when it is for another platform, invalid_argument for names, disk_failed, cancelled.
 */
export async function importArchive(
  parts: ImportParts,
  archive: AsyncIterable<Uint8Array>,
  options: LoadOptions,
): Promise<readonly ImportedImage[]> {
  const folder = parts.store.stagingPath(`sha256:archive`);
  const asked = options.names.map(imageName);
  try {
    const files = await collectFiles(inflated(archive), {
      folder,
      signal: options.signal,
      onBytes: (bytesDone) => options.onProgress("receiving", bytesDone, 0),
    });
    const images = await archivedImages({
      files,
      read: readSmall,
      compressionOf: ({ diskPath }) => packingOf(diskPath),
      digestOf,
      platform: parts.platform,
    });
    const named = images.map((image) => ({ ...image, names: asked.length > 0 ? asked : image.names }));
    checkNames(named, asked);
    const imported: ImportedImage[] = [];
    for (const image of named) imported.push(await takeIn(parts, image, files, options));
    return imported;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function checkNames(images: readonly ArchivedImage[], asked: readonly string[]): void {
  if (images.length === 0) throw new TallshipError("image_refused", "the archive holds no image");
  if (asked.length > 0 && images.length > 1)
    throw new TallshipError(
      "invalid_argument",
      `the archive holds ${images.length} images: they cannot all be ${asked[0]}`,
    );
  if (images.some(({ names }) => names.length === 0))
    throw new TallshipError("invalid_argument", "the archive does not say what its image is called: give it a name");
}

/** Takes in one image, of the files that are there and of what the store holds already, and names it. */
export async function takeIn(
  { store, names, unpack, pin }: ImportParts,
  image: ArchivedImage,
  files: ArchiveFiles,
  { signal, onProgress }: LoadOptions,
): Promise<ImportedImage> {
  const byDigest = new Map([...files.values()].map((file) => [file.digest, file]));
  const blobs = [image.config, ...image.layers];
  for (const { digest } of [image, ...blobs]) pin.add(digest);
  if (image.madeManifest !== undefined) await store.writeBlob(image.digest, image.madeManifest);
  else await adopt(store, image.digest, undefined, byDigest);
  for (const { digest, sizeBytes } of blobs) await adopt(store, digest, sizeBytes, byDigest);
  const config = await store.readBlob(image.config.digest);
  if (config === undefined)
    throw new TallshipError("disk_failed", `image config ${image.config.digest} cannot be read back`);
  const { diffIds } = parseConfig(config, image.layers.length, image.names[0] ?? "the archive");
  for (const diffId of diffIds) pin.add(diffId);
  const bytesTotal = image.layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  onProgress("unpacking", 0, bytesTotal);
  const record = await unpack({
    reference: { ...parseReference(image.names[0] ?? ""), digest: image.digest },
    key: image.digest,
    credentials: {},
    isOwn: true,
    isWhole: false,
    signal,
    onContent: () => undefined,
    onProgress: () => undefined,
  });
  for (const name of image.names) await names.set(formatReference(parseReference(name)), record);
  onProgress("unpacking", bytesTotal, bytesTotal);
  return { names: image.names, record };
}

async function adopt(
  store: ContentStore,
  digest: string,
  sizeBytes: number | undefined,
  files: ReadonlyMap<string, ArchiveFile>,
): Promise<void> {
  if (store.hasBlob(digest)) return;
  const file = files.get(digest);
  if (file === undefined)
    throw new TallshipError(
      "image_refused",
      `the archive cannot be taken in: it lacks ${digest}, or has it with another content`,
    );
  if (sizeBytes !== undefined && sizeBytes !== file.sizeBytes)
    throw new TallshipError(
      "image_digest_mismatch",
      `blob ${digest} has ${file.sizeBytes} bytes, its image says ${sizeBytes}`,
    );
  await store.adoptBlob(digest, file.diskPath);
}

async function readSmall(file: ArchiveFile): Promise<Uint8Array> {
  if (file.sizeBytes <= limit("imageManifestBytes")) return readFile(file.diskPath);
  throw new TallshipError("image_refused", `the archive cannot be taken in: a manifest of ${file.sizeBytes} bytes`);
}
