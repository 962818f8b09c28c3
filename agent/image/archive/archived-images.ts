import { formatReference, parseReference } from "../../../kinds/image-reference.js";
import { TallshipError } from "../../../lib/errors.js";
import { asList, asObject, asText, asTextMap, asTexts, type JsonObject } from "../../../lib/json-shape.js";
import { parseJson } from "../json-shape.js";
import { type Descriptor, type Manifest, OCI_TYPES, parseManifest } from "../manifest.js";
import { type Platform, selectPlatform, shownPlatform, shownPlatforms } from "../platform.js";
import type { ArchiveFile, ArchiveFiles } from "./archive-files.js";

/** An image that an archive holds, for one platform. */
export interface ArchivedImage {
  /** Whole references, tag included. */
  readonly names: readonly string[];
  /** Digest of its manifest. */
  readonly digest: string;
  /** Its manifest when the archive holds none: docker save of old. */
  readonly madeManifest: Uint8Array | undefined;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** What reading an archive needs: its files, and how small ones are read. */
export interface ArchiveReader {
  readonly files: ArchiveFiles;
  /** Content of a small file; image_refused when it is large. */
  readonly read: (file: ArchiveFile) => Promise<Uint8Array>;
  /** First bytes of a file say how it is packed. */
  readonly compressionOf: (file: ArchiveFile) => "none" | "gzip" | "zstd";
  readonly digestOf: (bytes: Uint8Array) => string;
  readonly platform: Platform;
}

/**
 * The images of an archive: an OCI layout, or what docker save wrote. docker save of today writes both forms; the OCI one keeps the digests.
 * Throws image_refused when something that an image points to is not there, image_not_found when nothing is for the platform.
 */
export async function archivedImages(reader: ArchiveReader): Promise<readonly ArchivedImage[]> {
  const index = reader.files.get("index.json");
  const docker = reader.files.get("manifest.json");
  if (index !== undefined) return ociImages(reader, parseJson(await reader.read(index), "index.json"));
  if (docker !== undefined) return dockerImages(reader, asList(parseJson(await reader.read(docker), "manifest.json")));
  throw refused("it holds neither index.json (OCI) nor manifest.json (docker save)");
}

async function ociImages(reader: ArchiveReader, index: unknown): Promise<readonly ArchivedImage[]> {
  const bytes = new TextEncoder().encode(JSON.stringify(index));
  const top = parseManifest(bytes, "the archive");
  if (top.is !== "index") throw refused("its index.json is not an index");
  const annotations = asList(asObject(index)?.["manifests"]).map((each) => asTextMap(asObject(each)?.["annotations"]));
  const entries = top.entries.map((entry, at) => ({ ...entry, names: namesIn(annotations[at] ?? {}) }));
  // Notes on how an image was built are manifests too.
  const images = entries.filter((_, at) => annotations[at]?.["vnd.docker.reference.type"] === undefined);
  const groups = new Map<string, NamedEntry[]>();
  for (const image of images) {
    const name = image.names.join(" ");
    groups.set(name, [...(groups.get(name) ?? []), image]);
  }
  return Promise.all([...groups.values()].map((group) => ofPlatform(reader, group)));
}

type NamedEntry = Descriptor & { readonly platform: Platform | undefined; readonly names: readonly string[] };

async function ofPlatform(reader: ArchiveReader, entries: readonly NamedEntry[]): Promise<ArchivedImage> {
  const [first] = entries;
  if (first === undefined) throw refused("it holds no image");
  const chosen = entries.length === 1 ? first : chosenOf(entries, reader.platform, first.names.join(" "));
  const manifest = await manifestOf(reader, chosen);
  if (manifest.is === "image")
    return { ...manifest, names: first.names, digest: chosen.digest, madeManifest: undefined };
  const inner = chosenOf(manifest.entries, reader.platform, first.names.join(" "));
  const image = await manifestOf(reader, inner);
  if (image.is !== "image") throw refused("it holds an index of indexes");
  return { ...image, names: first.names, digest: inner.digest, madeManifest: undefined };
}

function chosenOf<Entry extends { readonly platform: Platform | undefined }>(
  entries: readonly Entry[],
  platform: Platform,
  name: string,
): Entry {
  const chosen = selectPlatform(entries, platform);
  if (chosen !== undefined) return chosen;
  const both = `is not for ${shownPlatform(platform)} but for ${shownPlatforms(entries)}`;
  throw new TallshipError("image_not_found", `the image ${name} of the archive ${both}`);
}

async function manifestOf({ files, read }: ArchiveReader, { digest, sizeBytes }: Descriptor): Promise<Manifest> {
  const file = files.get(`blobs/${digest.replace(":", "/")}`);
  if (file === undefined) throw refused(`it has no manifest ${digest}`);
  if (file.digest !== digest) throw mismatch(`its manifest ${digest} has the content of ${file.digest}`);
  if (file.sizeBytes !== sizeBytes)
    throw mismatch(`its manifest ${digest} has ${file.sizeBytes} bytes, not ${sizeBytes}`);
  return parseManifest(await read(file), digest);
}

/** Containerd's annotation holds the whole name, OCI's may be the tag alone. */
function namesIn(annotations: Readonly<Record<string, string>>): readonly string[] {
  const name = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
  return name === undefined || name === "" ? [] : [imageName(name)];
}

async function dockerImages(reader: ArchiveReader, found: readonly unknown[]): Promise<readonly ArchivedImage[]> {
  return found.map((each) => {
    const image = asObject(each) ?? {};
    const names = asTexts(image["RepoTags"]).map(imageName);
    const config = pointer(reader, asText(image["Config"]) ?? "", OCI_TYPES.config);
    const layers = asTexts(image["Layers"]).map((path) => pointer(reader, path, OCI_TYPES.layer));
    const madeManifest = new TextEncoder().encode(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_TYPES.manifest,
        config: written(config),
        layers: layers.map(written),
      }),
    );
    return { names, digest: reader.digestOf(madeManifest), madeManifest, config, layers };
  });
}

function pointer({ files, compressionOf }: ArchiveReader, path: string, type: string): Descriptor {
  const file = files.get(path);
  if (file === undefined) throw refused(`it has no file ${JSON.stringify(path)}`);
  const packing = type === OCI_TYPES.layer ? compressionOf(file) : "none";
  return {
    mediaType: packing === "none" ? type : `${type}+${packing}`,
    digest: file.digest,
    sizeBytes: file.sizeBytes,
  };
}

/** A pointer as a manifest has it. */
export function written({ mediaType, digest, sizeBytes }: Descriptor): JsonObject {
  return { mediaType, digest, size: sizeBytes };
}

/** The whole form of a name, which must have no digest: that would be the archive's to say, not the name's. */
export function imageName(text: string): string {
  const reference = parseReference(text);
  if (reference.digest === undefined) return formatReference(reference);
  throw new TallshipError(
    "invalid_argument",
    `image name ${JSON.stringify(text)} has a digest; a name ends in its tag`,
  );
}

function refused(why: string): TallshipError {
  return new TallshipError("image_refused", `the archive cannot be taken in: ${why}`);
}

function mismatch(why: string): TallshipError {
  return new TallshipError("image_digest_mismatch", `the archive cannot be taken in: ${why}`);
}
