// Edge: a blob that is being fetched, on disk.
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "../../../lib/atomic-file.js";
import { TallshipError } from "../../../lib/errors.js";

/** Where a blob is collected and where it stands once it is whole. */
export interface BlobPlaces {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly partPath: string;
  readonly blobPath: string;
}

/**
 * The part of a blob that is there so far. It outlives the process: the next one reads it once to hash it, and goes on at
 * its end. The blob appears under its name only after every byte was hashed and flushed.
 */
export class BlobPart {
  private readonly places: BlobPlaces;
  private readonly file: FileHandle;
  private hash: Hash;
  private size: number;
  private isCommitted = false;

  private constructor(places: BlobPlaces, file: FileHandle, hash: Hash, size: number) {
    this.places = places;
    this.file = file;
    this.hash = hash;
    this.size = size;
  }

  /** Opens the part, empty when there was none or when it is longer than the blob. */
  static async open(places: BlobPlaces): Promise<BlobPart> {
    const file = await open(places.partPath, "a", 0o600);
    const part = new BlobPart(places, file, createHash("sha256"), 0);
    try {
      for await (const chunk of createReadStream(places.partPath)) part.count(chunk);
      if (part.size > places.sizeBytes) await part.reset();
    } catch (error) {
      await file.close();
      throw error;
    }
    return part;
  }

  /** Bytes that are there. */
  get sizeBytes(): number {
    return this.size;
  }

  /** Adds bytes at the end. More than the blob has are image_digest_mismatch, and the part is emptied. */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.size + bytes.length > this.places.sizeBytes) {
      await this.reset();
      throw mismatch(this.places, `is longer than its ${this.places.sizeBytes} bytes`);
    }
    this.count(bytes);
    await this.file.appendFile(bytes);
  }

  /** Empties the part. */
  async reset(): Promise<void> {
    await this.file.truncate(0);
    this.hash = createHash("sha256");
    this.size = 0;
  }

  /** Makes the part the blob. A wrong digest is image_digest_mismatch, and the part is emptied. */
  async commit(): Promise<void> {
    const found = `sha256:${this.hash.copy().digest("hex")}`;
    if (found !== this.places.digest) {
      await this.reset();
      throw mismatch(this.places, `has the content of ${found}`);
    }
    await this.file.datasync();
    await rename(this.places.partPath, this.places.blobPath);
    await syncFolder(dirname(this.places.blobPath));
    this.isCommitted = true;
  }

  /** Lets go of the part; what is there stays for the next try. */
  async close(): Promise<void> {
    await this.file.close();
    if (!this.isCommitted && this.size === 0) await rm(this.places.partPath, { force: true });
  }

  private count(bytes: Uint8Array): void {
    this.hash.update(bytes);
    this.size += bytes.length;
  }
}

function mismatch({ digest }: BlobPlaces, why: string): TallshipError {
  return new TallshipError("image_digest_mismatch", `blob ${digest} ${why}`);
}
