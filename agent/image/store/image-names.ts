// Edge: the file that says which names stand for which images.
import { existsSync, readFileSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { isDigest } from "../../../kinds/image-reference.js";
import { syncFolder, writeFileAtomic } from "../../../lib/atomic-file.js";
import { asObject, asText, asTextMap, asTexts, type JsonObject } from "../../../lib/json-shape.js";
import type { Log } from "../../../lib/log.js";
import type { ImageConfig } from "../images.js";

/** An image as the node knows it. */
export interface ImageRecord {
  /** Digest of its manifest. */
  readonly digest: string;
  /** Digest of the index that led to the manifest, if one did. */
  readonly indexDigest: string | undefined;
  readonly config: ImageConfig;
  /** Its unpacked layers, lowest first. */
  readonly diffIds: readonly string[];
  /** All its blobs: index, manifest, config and layers. */
  readonly blobs: readonly string[];
  /** Bytes of it as registries send it; 0: not known. */
  readonly sizeBytes: number;
}

/** The names of images: spelt by formatReference. Kept in memory, written whole and durably on every change. */
export class ImageNames {
  private readonly path: string;
  private readonly records = new Map<string, ImageRecord>();
  /** Ends when the last write has. */
  private written: Promise<void> = Promise.resolve();
  private onChange: () => void = () => undefined;

  /** Reads the file. A damaged one is put aside: names are found again by pulling, content is kept by digest. */
  constructor(path: string, log: Log) {
    this.path = path;
    if (!existsSync(path)) return;
    const parsed = parsedFile(readFileSync(path, "utf8"));
    if (parsed === undefined) {
      log.error("the file of image names is damaged and is put aside", { path });
      renameSync(path, `${path}.damaged`);
      return;
    }
    for (const [name, record] of parsed) this.records.set(name, record);
  }

  /** Calls whenever names came, went or changed. */
  listen(onChange: () => void): void {
    this.onChange = onChange;
  }

  /** The image of a name. */
  get(name: string): ImageRecord | undefined {
    return this.records.get(name);
  }

  /** All names, sorted, with their images. */
  entries(): readonly (readonly [string, ImageRecord])[] {
    return [...this.records].sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** Gives a name to an image; the name leaves the image that had it. Seen at once, resolves when it is on disk. */
  async set(name: string, record: ImageRecord): Promise<void> {
    if (isDeepStrictEqual(this.records.get(name), record)) return;
    this.records.set(name, record);
    this.onChange();
    await this.write();
  }

  /** Forgets a name; nothing happens when it is not known. */
  async delete(name: string): Promise<void> {
    if (!this.records.delete(name)) return;
    this.onChange();
    await this.write();
  }

  /** Writes what is known when its turn has come: writes do not overtake each other. */
  private write(): Promise<void> {
    const write = async (): Promise<void> => {
      const content = JSON.stringify({ version: 1, images: Object.fromEntries(this.entries()) });
      await writeFileAtomic(this.path, content, 0o600);
      await syncFolder(dirname(this.path));
    };
    const mine = this.written.then(write);
    this.written = mine.catch(() => undefined);
    return mine;
  }
}

function parsedFile(text: string): readonly (readonly [string, ImageRecord])[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const images = asObject(asObject(parsed)?.["images"]);
  if (images === undefined) return undefined;
  return Object.entries(images).flatMap(([name, value]) => {
    const record = recordOf(asObject(value) ?? {});
    return record === undefined ? [] : [[name, record] as const];
  });
}

function recordOf(found: JsonObject): ImageRecord | undefined {
  const digest = asText(found["digest"]);
  const config = asObject(found["config"]);
  if (digest === undefined || !isDigest(digest) || config === undefined) return undefined;
  return {
    digest,
    indexDigest: asText(found["indexDigest"]),
    config: configOf(config),
    diffIds: asTexts(found["diffIds"]).filter(isDigest),
    blobs: asTexts(found["blobs"]).filter(isDigest),
    sizeBytes: typeof found["sizeBytes"] === "number" ? found["sizeBytes"] : 0,
  };
}

function configOf(found: JsonObject): ImageConfig {
  return {
    entrypoint: asTexts(found["entrypoint"]),
    command: asTexts(found["command"]),
    env: asTexts(found["env"]),
    workingDir: asText(found["workingDir"]) ?? "",
    user: asText(found["user"]) ?? "",
    stopSignal: asText(found["stopSignal"]) ?? "",
    labels: asTextMap(found["labels"]),
  };
}
