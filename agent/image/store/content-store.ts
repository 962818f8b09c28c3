// Edge: blobs and unpacked layers on disk.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isDigest } from "../../../kinds/image-reference.js";
import { readFileIfPresent, syncFolder, writeFileAtomic } from "../../../lib/atomic-file.js";
import { asTallshipError, TallshipError } from "../../../lib/errors.js";
import { asObject, asText, asTexts } from "../../../lib/json-shape.js";
import type { Log } from "../../../lib/log.js";
import { digestOf } from "../digest.js";
import { PieceFile } from "../fabric/piece-file.js";
import type { UnpackedLayer } from "../layer/unpack-layer.js";
import { BlobPart } from "./blob-part.js";
import { Trash } from "./trash.js";

/** An unpacked layer. */
export interface StoredLayer extends UnpackedLayer {
  readonly diffId: string;
  /** The kernel's boot in which it was unpacked: until `isDurable` a later one cannot trust it. */
  readonly bootId: string;
}

/** Where the store is and in which boot of the kernel it runs. */
export interface ContentStoreOptions {
  readonly folder: string;
  readonly bootId: string;
  readonly log: Log;
}

/** File in a layer's folder that says that a flush has followed. */
const DURABLE = "durable";

const FOLDERS = ["blobs", "parts", "layers", "staging"] as const;

/**
 * Content by digest: blobs as the registry has them, and layers unpacked, each in a folder named for its digest. What stands
 * under its name is whole and verified: it was made elsewhere and renamed. A blob is flushed before that; the many files of a
 * layer are not, they count only until the next boot, unless a flush of the whole file system followed (`markDurable`).
 * That keeps the flush off the path of a pull without trusting what a power cut left behind.
 */
export class ContentStore {
  /** The store's folder, absolute. */
  readonly folder: string;
  private readonly options: ContentStoreOptions;
  private readonly blobs = new Set<string>();
  private readonly layers = new Map<string, StoredLayer>();
  /** Diff ids of the layers that a flush has followed. */
  private readonly durable = new Set<string>();
  private readonly trash: Trash;
  private stagingCount = 0;
  private onChange: () => void = () => undefined;

  /** Opens the store and removes what a crash left half made. Partly fetched blobs stay: they are resumed. */
  constructor(options: ContentStoreOptions) {
    this.options = options;
    this.folder = options.folder;
    for (const name of FOLDERS) mkdirSync(join(this.folder, name), { recursive: true, mode: 0o700 });
    this.trash = new Trash(join(this.folder, "trash"));
    for (const name of readdirSync(join(this.folder, "staging"))) this.trash.take(join(this.folder, "staging", name));
    for (const name of readdirSync(join(this.folder, "blobs"))) this.recoverBlob(name);
    for (const name of readdirSync(join(this.folder, "layers"))) this.recoverLayer(name);
    this.trash.empty().catch((error: unknown) => {
      options.log.warn("the trash of the image store could not be emptied", { error: asTallshipError(error).message });
    });
  }

  /** Calls whenever blobs came or went. */
  listen(onChange: () => void): void {
    this.onChange = onChange;
  }

  /** Digests of the blobs that are there, sorted. */
  blobDigests(): readonly string[] {
    return [...this.blobs].sort();
  }

  hasBlob(digest: string): boolean {
    return this.blobs.has(digest);
  }

  /** Where a blob is or would be. */
  blobPath(digest: string): string {
    return join(this.folder, "blobs", hexOf(digest));
  }

  /** A small blob's content, verified again; undefined when it is not there or damaged, and then it is gone. */
  async readBlob(digest: string): Promise<Uint8Array | undefined> {
    if (!this.blobs.has(digest)) return undefined;
    const bytes = await readFileIfPresent(this.blobPath(digest));
    if (bytes !== undefined && digestOf(bytes) === digest) return bytes;
    this.options.log.warn("a blob on disk is damaged and is dropped", { digest });
    await this.dropBlob(digest);
    return undefined;
  }

  /** Stores a small blob. Its digest must be right. */
  async writeBlob(digest: string, bytes: Uint8Array): Promise<void> {
    const found = digestOf(bytes);
    if (found !== digest)
      throw new TallshipError("image_digest_mismatch", `blob ${digest} has the content of ${found}`);
    if (this.blobs.has(digest)) return;
    await writeFileAtomic(this.blobPath(digest), bytes, 0o600);
    await syncFolder(dirname(this.blobPath(digest)));
    this.noteBlob(digest);
  }

  /** Starts or resumes a large blob. One at a time per digest. */
  openPart(digest: string, sizeBytes: number): Promise<BlobPart> {
    const partPath = join(this.folder, "parts", hexOf(digest));
    return BlobPart.open({ digest, sizeBytes, partPath, blobPath: this.blobPath(digest) });
  }

  /** Starts or resumes a blob that comes in pieces. One at a time per digest. */
  openPieces(digest: string, sizeBytes: number, pieceBytes: number): Promise<PieceFile> {
    const partPath = join(this.folder, "parts", hexOf(digest));
    const piecesPath = join(this.folder, "staging", `${hexOf(digest)}.pieces`);
    return PieceFile.open({ digest, sizeBytes, pieceBytes, partPath, piecesPath, blobPath: this.blobPath(digest) });
  }

  /** Makes a file a blob, by renaming it. Its content has been hashed; it is on the store's file system. */
  async adoptBlob(digest: string, path: string): Promise<void> {
    if (this.blobs.has(digest)) return;
    await syncFile(path);
    await rename(path, this.blobPath(digest));
    await syncFolder(dirname(this.blobPath(digest)));
    this.noteBlob(digest);
  }

  /** Takes note of a blob whose part was committed. */
  addBlob(digest: string): void {
    this.noteBlob(digest);
  }

  /** Deletes a blob. */
  async dropBlob(digest: string): Promise<void> {
    this.blobs.delete(digest);
    this.onChange();
    await rm(this.blobPath(digest), { force: true });
  }

  /** The unpacked layer of a diff id. */
  layer(diffId: string): StoredLayer | undefined {
    return this.layers.get(diffId);
  }

  /** Diff ids of the unpacked layers. */
  layerDigests(): readonly string[] {
    return [...this.layers.keys()];
  }

  /** Folder of a layer's files. */
  layerPath(diffId: string): string {
    return join(this.folder, "layers", hexOf(diffId), "fs");
  }

  /** The layer whose files are in a folder. */
  layerAt(path: string): StoredLayer | undefined {
    return this.layers.get(`sha256:${basename(dirname(path))}`);
  }

  /** A folder that does not exist, for unpacking; it is on the store's file system and swept at the next start. */
  stagingPath(diffId: string): string {
    this.stagingCount += 1;
    return join(this.folder, "staging", `${hexOf(diffId).slice(0, 12)}-${this.stagingCount}`);
  }

  /** Makes an unpacked layer visible. When an equal one is there already, that one stays. */
  async commitLayer(diffId: string, stagingPath: string, unpacked: UnpackedLayer): Promise<void> {
    if (this.layers.has(diffId)) {
      await rm(stagingPath, { recursive: true, force: true });
      return;
    }
    const layer: StoredLayer = { ...unpacked, diffId, bootId: this.options.bootId };
    await writeFile(join(stagingPath, "layer.json"), JSON.stringify(layer), { mode: 0o600 });
    await rename(stagingPath, join(this.folder, "layers", hexOf(diffId)));
    this.layers.set(diffId, layer);
  }

  /** Layers that a power cut would still take. */
  volatileLayers(): readonly string[] {
    return [...this.layers.keys()].filter((diffId) => !this.durable.has(diffId));
  }

  /** Notes that the file system was flushed after these layers were committed. */
  async markDurable(diffIds: readonly string[]): Promise<void> {
    for (const diffId of diffIds.filter((each) => this.layers.has(each))) {
      await writeFile(join(this.folder, "layers", hexOf(diffId), DURABLE), "", { mode: 0o600 });
      this.durable.add(diffId);
    }
  }

  /** Deletes every blob, whole or in part, and every layer that is not to be kept; returns the bytes freed. */
  async prune(keep: { readonly blobs: ReadonlySet<string>; readonly diffIds: ReadonlySet<string> }): Promise<number> {
    const isDoomed = (name: string): boolean => !keep.blobs.has(`sha256:${name}`);
    const blobs = [...this.blobs].filter((digest) => !keep.blobs.has(digest));
    const parts = readdirSync(join(this.folder, "parts")).filter(isDoomed);
    const layers = [...this.layers.values()].filter(({ diffId }) => !keep.diffIds.has(diffId));
    const files = [
      ...blobs.map((digest) => this.blobPath(digest)),
      ...parts.map((name) => join(this.folder, "parts", name)),
    ];
    const found = files.flatMap((path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats === undefined ? [] : [{ path, bytes: stats.size }];
    });
    // All at once out of sight: nobody finds a layer that is half deleted.
    for (const digest of blobs) this.blobs.delete(digest);
    if (blobs.length > 0) this.onChange();
    for (const { path } of found) this.trash.take(path);
    for (const { diffId } of layers) {
      this.layers.delete(diffId);
      this.durable.delete(diffId);
      this.trash.take(join(this.folder, "layers", hexOf(diffId)));
    }
    await this.trash.empty();
    const bytes = [...found.map((each) => each.bytes), ...layers.map(({ unpackedBytes }) => unpackedBytes)];
    return bytes.reduce((sum, each) => sum + each, 0);
  }

  private noteBlob(digest: string): void {
    this.blobs.add(digest);
    this.onChange();
  }

  private recoverBlob(name: string): void {
    if (isDigest(`sha256:${name}`)) this.blobs.add(`sha256:${name}`);
    else rmSync(join(this.folder, "blobs", name), { force: true });
  }

  private recoverLayer(name: string): void {
    const path = join(this.folder, "layers", name);
    const layer = isDigest(`sha256:${name}`) ? readLayer(join(path, "layer.json"), `sha256:${name}`) : undefined;
    const isDurable = existsSync(join(path, DURABLE));
    if (layer !== undefined && (isDurable || layer.bootId === this.options.bootId)) {
      this.layers.set(layer.diffId, layer);
      if (isDurable) this.durable.add(layer.diffId);
      return;
    }
    this.options.log.info("a layer that was not complete is dropped", { layer: name });
    this.trash.take(path);
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

function readLayer(path: string, diffId: string): StoredLayer | undefined {
  if (!existsSync(path)) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined; // Cut short by a crash.
  }
  const found = asObject(parsed);
  const bootId = asText(found?.["bootId"]);
  const { unpackedBytes, entryCount } = found ?? {};
  if (bootId === undefined || typeof unpackedBytes !== "number" || typeof entryCount !== "number") return undefined;
  return {
    diffId,
    bootId,
    unpackedBytes,
    entryCount,
    opaque: asTexts(found?.["opaque"]),
    whiteouts: asTexts(found?.["whiteouts"]),
  };
}

function hexOf(digest: string): string {
  return digest.slice("sha256:".length);
}
