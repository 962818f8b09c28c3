// Edge: content that arrives in pieces, on disk.
import { createHash, type Hash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "../../../lib/atomic-file.js";
import { type Bitmap, emptyBitmap, hasBit, setBit } from "../../../lib/bitmap.js";
import { TallshipError } from "../../../lib/errors.js";

/** Where content is collected and where it stands once it is whole. */
export interface PiecePlaces {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  /** Where one that is read from its start alone is collected: what is there is taken over, and what is left is given back. */
  readonly partPath: string;
  readonly piecesPath: string;
  readonly blobPath: string;
}

const READ_BYTES = 1_048_576;

/**
 * Content whose pieces come in any order, from anybody. It is hashed from its start as far as it goes without a gap, so that little is left to hash at the end; it appears under its name
 * only when all of it had the right digest. Pieces are not believed before that, but may be passed on: who gets them hashes the whole as well.
 */
export class PieceFile {
  readonly places: PiecePlaces;
  readonly pieceCount: number;
  readonly pieces: Bitmap;
  private readonly file: FileHandle;
  private readonly hash: Hash = createHash("sha256");
  private hashedBytes = 0;
  /** Ends when what was asked to be hashed has been. */
  private hashing: Promise<void> = Promise.resolve();
  private isOver = false;

  private constructor(places: PiecePlaces, file: FileHandle) {
    this.places = places;
    this.file = file;
    this.pieceCount = Math.ceil(places.sizeBytes / places.pieceBytes);
    this.pieces = emptyBitmap(this.pieceCount);
  }

  /** Opens the content; what an earlier try left of its start counts. */
  static async open(places: PiecePlaces): Promise<PieceFile> {
    await rm(places.piecesPath, { force: true });
    if (existsSync(places.partPath)) await rename(places.partPath, places.piecesPath);
    const known = statSync(places.piecesPath, { throwIfNoEntry: false })?.size ?? 0;
    const opened = new PieceFile(places, await open(places.piecesPath, known > 0 ? "r+" : "wx+", 0o600));
    const wholeCount = known >= places.sizeBytes ? opened.pieceCount : Math.floor(known / places.pieceBytes);
    for (let piece = 0; piece < wholeCount && known <= places.sizeBytes; piece += 1) setBit(opened.pieces, piece);
    opened.hashFurther();
    return opened;
  }

  /** First byte of a piece, and the byte after its last. */
  rangeOf(piece: number): { readonly start: number; readonly end: number } {
    const { pieceBytes, sizeBytes } = this.places;
    return { start: piece * pieceBytes, end: Math.min((piece + 1) * pieceBytes, sizeBytes) };
  }

  /** True when every piece that has bytes in the range is there. */
  hasRange(start: number, end: number): boolean {
    const { pieceBytes } = this.places;
    for (let at = Math.floor(start / pieceBytes); at * pieceBytes < end; at += 1)
      if (!hasBit(this.pieces, at)) return false;
    return true;
  }

  /** Bytes of the pieces that are there. */
  get bytesDone(): number {
    let bytes = 0;
    for (let piece = 0; piece < this.pieceCount; piece += 1) {
      const { start, end } = this.rangeOf(piece);
      if (hasBit(this.pieces, piece)) bytes += end - start;
    }
    return bytes;
  }

  /** Writes bytes of a piece that is not there yet. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await this.file.write(bytes, 0, bytes.length, offset);
  }

  /** All bytes of a piece have been written. */
  finish(piece: number): void {
    setBit(this.pieces, piece);
    this.hashFurther();
  }

  /** Makes the pieces the content. A wrong digest is image_digest_mismatch, and everything is dropped. */
  async commit(): Promise<void> {
    const { digest, piecesPath, blobPath } = this.places;
    await this.hashing;
    const found = `sha256:${this.hash.digest("hex")}`;
    this.isOver = true;
    try {
      if (found === digest) {
        await this.file.datasync();
        await rename(piecesPath, blobPath);
        await syncFolder(dirname(blobPath));
      } else await rm(piecesPath, { force: true });
    } finally {
      await this.file.close();
    }
    if (found !== digest)
      throw new TallshipError("image_digest_mismatch", `blob ${digest} has the content of ${found}`);
  }

  /** Lets go of it. What is there from the start without a gap is left for the next try. */
  async abandon(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    await this.hashing.catch(() => undefined);
    const { piecesPath, partPath, pieceBytes, sizeBytes } = this.places;
    const keptBytes = Math.min(this.gaplessCount() * pieceBytes, sizeBytes);
    try {
      if (keptBytes > 0) await this.file.truncate(keptBytes);
    } finally {
      await this.file.close();
    }
    if (keptBytes > 0) await rename(piecesPath, partPath);
    else await rm(piecesPath, { force: true });
  }

  private gaplessCount(): number {
    let count = 0;
    while (count < this.pieceCount && hasBit(this.pieces, count)) count += 1;
    return count;
  }

  private hashFurther(): void {
    this.hashing = this.hashing.then(async () => {
      const { pieceBytes, sizeBytes } = this.places;
      const end = Math.min(this.gaplessCount() * pieceBytes, sizeBytes);
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(1, end - this.hashedBytes)));
      while (this.hashedBytes < end && !this.isOver) {
        const wanted = Math.min(buffer.length, end - this.hashedBytes);
        const { bytesRead } = await this.file.read(buffer, 0, wanted, this.hashedBytes);
        if (bytesRead === 0)
          throw new TallshipError("disk_failed", `blob ${this.places.digest} ends at ${this.hashedBytes}`);
        this.hash.update(buffer.subarray(0, bytesRead));
        this.hashedBytes += bytesRead;
      }
    });
    // Told by commit.
    this.hashing.catch(() => undefined);
  }
}
