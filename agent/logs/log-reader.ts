// Edge: reads log files.
import type { FileHandle } from "node:fs/promises";
import { tailOffset } from "./line.js";
import { LogChain, type OpenLog } from "./log-chain.js";

/** In larger blocks a follower of a flood keeps the loop so long that rotation comes late, and lines are lost. */
const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** What a reader has found: whole entries, each with its newline, and how many lines before them it will never see. */
export interface ReadEntries {
  readonly bytes: Buffer;
  readonly missedLineCount: number;
}

const NOTHING: ReadEntries = { bytes: Buffer.alloc(0), missedLineCount: 0 };

/**
 * Reads a run's log as one stream across its rotated files: oldest first, no entry doubled, none lost that the log kept while it was to be read. A
 * reader that is slower than the writer keeps as many files as the log itself, and says how many lines it had to leave out.
 */
export class LogReader {
  private readonly chain: LogChain;
  private current: OpenLog | undefined;
  private position = 0;
  /** Of the file that was the newest when a reader began that does not follow: it ends there, however fast the log grows. */
  private end: { readonly inode: number; readonly bytes: number } | undefined;
  private missed = 0;
  private rest: Buffer = Buffer.alloc(0);
  private readonly block = Buffer.allocUnsafe(BLOCK_BYTES);

  constructor(path: string) {
    this.chain = new LogChain(path);
  }

  /** Places the reader at the oldest entry, or before the last lines. One that does not follow ends with what is there now. */
  async begin(tailLines: number | undefined, isFollowing: boolean): Promise<void> {
    const files = await this.chain.begin();
    const [newest] = files;
    const newestBytes = newest === undefined ? 0 : (await newest.file.stat()).size;
    if (!isFollowing) this.end = newest && { inode: newest.inode, bytes: newestBytes };
    let missing = tailLines ?? Number.POSITIVE_INFINITY;
    let at = -1;
    let offset = 0;
    while (at + 1 < files.length && (at < 0 || missing > 0)) {
      at += 1;
      const file = files[at]?.file;
      if (file === undefined) break;
      const last = await lastLines(file, at === 0 ? newestBytes : (await file.stat()).size, missing);
      missing -= last.found;
      offset = last.offset;
    }
    for (const { file } of files.slice(at + 1)) await file.close();
    const current = files[at];
    if (current === undefined) return;
    await this.take(current, offset);
    this.chain.putBack(files.slice(0, at).reverse());
  }

  /** Notes that files may have come or been renamed; to be called soon after, whether somebody reads now or not. */
  filesChanged(): void {
    void this.chain.look().catch(() => undefined); // The next read meets the same failure, and tells it.
  }

  /** The next whole entries; none when there are none now. */
  async read(): Promise<ReadEntries> {
    for (;;) {
      const isLast = !this.chain.hasNext;
      const bytes = await this.readBlock();
      if (bytes.length > 0) return this.found(bytes);
      if (isLast && this.end === undefined) await this.chain.look();
      if (!this.chain.hasNext) return NOTHING;
      // The writer leaves a file once the next one is there: what it wrote meanwhile is read before that.
      if (!isLast || this.current === undefined) await this.goOn();
    }
  }

  private found(bytes: Buffer): ReadEntries {
    const missedLineCount = this.missed;
    this.missed = 0;
    return { bytes, missedLineCount };
  }

  private async take(log: OpenLog, position: number): Promise<void> {
    await this.current?.file.close();
    this.current = log;
    this.position = position;
    this.rest = Buffer.alloc(0);
  }

  private async readBlock(): Promise<Buffer> {
    for (;;) {
      const wanted = Math.min(this.block.length, this.leftBytes());
      if (wanted === 0) return NOTHING.bytes;
      const { bytesRead = 0 } = (await this.current?.file.read(this.block, 0, wanted, this.position)) ?? {};
      if (bytesRead === 0) return NOTHING.bytes;
      this.position += bytesRead;
      const read = Buffer.concat([this.rest, this.block.subarray(0, bytesRead)]);
      const whole = read.lastIndexOf(NEWLINE) + 1;
      this.rest = read.subarray(whole);
      if (whole > 0) return read.subarray(0, whole);
    }
  }

  /** What may be read of the present file. */
  private leftBytes(): number {
    if (this.end === undefined || this.end.inode !== this.current?.inode) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.end.bytes - this.position);
  }

  private async goOn(): Promise<void> {
    const next = await this.chain.next();
    if (next === undefined) return;
    this.missed += next.missedLineCount;
    await this.take(next.log, 0);
  }

  /** Gives the files back. */
  async close(): Promise<void> {
    await this.chain.close();
    await this.current?.file.close();
    this.current = undefined;
  }
}

/** Where the last lines begin of what was in a file when it was so large: in a flood it is larger by now. */
async function lastLines(
  file: FileHandle,
  size: number,
  count: number,
): Promise<{ readonly found: number; readonly offset: number }> {
  if (count === Number.POSITIVE_INFINITY) return { found: 0, offset: 0 };
  for (let length = BLOCK_BYTES; ; length *= 4) {
    const start = Math.max(0, size - length);
    const bytes = Buffer.allocUnsafe(size - start);
    await file.read(bytes, 0, bytes.length, start);
    const whole = start === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
    const { found, offset } = tailOffset(bytes.subarray(whole), count);
    if (start === 0 || found >= count) return { found, offset: start + whole + offset };
  }
}
