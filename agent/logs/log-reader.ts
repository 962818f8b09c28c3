// Edge: reads log files.
import { type FileHandle, open } from "node:fs/promises";
import { limit } from "../../lib/limits.js";
import { splitEntries, tailOffset } from "./line.js";
import { rotatedPath } from "./log-path.js";

const BLOCK_BYTES = 256 * 1024;

/**
 * Reads a run's log as one stream across its rotated files: oldest first, no entry lost or doubled. A file that is renamed while it is read is read to its
 * end, then the next newer one follows, found by inode.
 */
export class LogReader {
  private readonly path: string;
  private file: FileHandle | undefined;
  /** The file after this one. While it is known the writer has left this one, which is read to its end once more. */
  private newer: FileHandle | undefined;
  private hasMoved = false;
  private position = 0;
  private rest: Buffer = Buffer.alloc(0);
  private readonly block = Buffer.allocUnsafe(BLOCK_BYTES);

  constructor(path: string) {
    this.path = path;
  }

  /** Places the reader at the oldest entry, or before the last lines. */
  async begin(tailLines: number | undefined): Promise<void> {
    const ages = await this.existingAges();
    let missing = tailLines ?? Number.POSITIVE_INFINITY;
    for (const age of ages) {
      const candidate = await open(rotatedPath(this.path, age), "r");
      const { found, offset } = await this.lastLines(candidate, missing);
      missing -= found;
      await this.take(candidate, offset);
      if (missing <= 0) return;
    }
  }

  /** Numbers of the rotated files that exist, newest (0) first. */
  private async existingAges(): Promise<readonly number[]> {
    const ages: number[] = [];
    for (let age = 0; age < limit("logFiles"); age += 1) if (await exists(rotatedPath(this.path, age))) ages.push(age);
    return ages;
  }

  private async lastLines(
    file: FileHandle,
    count: number,
  ): Promise<{ readonly found: number; readonly offset: number }> {
    if (count === Number.POSITIVE_INFINITY) return { found: 0, offset: 0 };
    const { size } = await file.stat();
    for (let length = BLOCK_BYTES; ; length *= 4) {
      const start = Math.max(0, size - length);
      const bytes = Buffer.allocUnsafe(size - start);
      await file.read(bytes, 0, bytes.length, start);
      const whole = start === 0 ? 0 : bytes.indexOf(0x0a) + 1;
      const { found, offset } = tailOffset(bytes.subarray(whole), count);
      if (start === 0 || found >= count) return { found, offset: start + whole + offset };
    }
  }

  private async take(file: FileHandle, position: number): Promise<void> {
    await this.file?.close();
    this.file = file;
    this.position = position;
    this.rest = Buffer.alloc(0);
  }

  /** The next whole entries; empty when there are none now. */
  async read(): Promise<readonly Buffer[]> {
    for (;;) {
      if (this.file === undefined && !(await this.openFirst())) return [];
      const entries = await this.readBlock();
      if (entries.length > 0) return entries;
      if (this.newer !== undefined) await this.goOn(this.newer);
      else this.newer = await this.findNewer();
      if (this.newer === undefined && entries.length === 0 && !this.hasMoved) return [];
      this.hasMoved = false;
    }
  }

  private async openFirst(): Promise<boolean> {
    if (!(await exists(this.path))) return false;
    await this.take(await open(this.path, "r"), 0);
    return true;
  }

  private async readBlock(): Promise<readonly Buffer[]> {
    const { bytesRead = 0 } = (await this.file?.read(this.block, 0, this.block.length, this.position)) ?? {};
    this.position += bytesRead;
    const { entries, rest } = splitEntries(Buffer.concat([this.rest, this.block.subarray(0, bytesRead)]));
    this.rest = rest;
    if (entries.length > 0 || bytesRead === 0) return entries;
    return this.readBlock();
  }

  private async goOn(newer: FileHandle): Promise<void> {
    this.newer = undefined;
    this.hasMoved = true;
    await this.take(newer, 0);
  }

  /** The file that came after the one being read; undefined while that one is still being written. */
  private async findNewer(): Promise<FileHandle | undefined> {
    const inode = (await this.file?.stat())?.ino;
    const ages = await this.existingAges();
    for (const age of ages) {
      const candidate = await open(rotatedPath(this.path, age), "r").catch(() => undefined);
      const isOurs = (await candidate?.stat())?.ino === inode;
      await candidate?.close();
      if (isOurs) return age === 0 ? undefined : this.openAge(age - 1);
    }
    const oldest = ages.at(-1);
    return oldest === undefined ? undefined : this.openAge(oldest);
  }

  /** Undefined when it was renamed again meanwhile: the next look finds it. */
  private openAge(age: number): Promise<FileHandle | undefined> {
    return open(rotatedPath(this.path, age), "r").catch(() => undefined);
  }

  /** Gives the file back. */
  async close(): Promise<void> {
    await this.newer?.close();
    await this.file?.close();
    this.file = undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await (await open(path, "r")).close();
    return true;
  } catch {
    return false;
  }
}
