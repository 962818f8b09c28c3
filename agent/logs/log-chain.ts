// Edge: opens log files.
import { type FileHandle, open, stat } from "node:fs/promises";
import { limit } from "../../lib/limits.js";
import { lineCounter } from "./line.js";
import { rotatedPath } from "./log-path.js";

/** A log file that is open: it stays readable, whatever becomes of its name. */
export interface OpenLog {
  readonly file: FileHandle;
  readonly inode: number;
}

const BLOCK_BYTES = 1024 * 1024;

/**
 * The files of one run's log that come after the one that is read, each held open from when it was seen: rotation may rename and remove them. There
 * are never more than the log itself may have; the oldest beyond that are counted and let go. This replaced looking for the next file only once one was
 * read to its end: a slow reader then found that files had gone, and could not say how much was in them.
 */
export class LogChain {
  private readonly path: string;
  private waiting: OpenLog[] = [];
  private newest: number | undefined;
  private missed = 0;
  private looking: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Opens what is there now and returns it, the newest first; only what comes later will wait here. */
  async begin(): Promise<readonly OpenLog[]> {
    const all = await this.openAll();
    this.newest = all[0]?.inode;
    return all;
  }

  /** Puts files back, the oldest first, that are to be read before all later ones. */
  putBack(files: readonly OpenLog[]): void {
    this.waiting = [...files, ...this.waiting];
  }

  /** Whether another file follows. */
  get hasNext(): boolean {
    return this.waiting.length > 0;
  }

  /** Looks for files that have come since the last look. Many calls at once are one after the other. */
  look(): Promise<void> {
    this.looking = this.looking.then(() => (this.isClosed ? undefined : this.lookOnce()));
    return this.looking;
  }

  /** The file that follows, and how many lines stood between, which nobody will read. */
  async next(): Promise<{ readonly log: OpenLog; readonly missedLineCount: number } | undefined> {
    await this.looking;
    const log = this.waiting.shift();
    if (log === undefined) return undefined;
    const missedLineCount = this.missed;
    this.missed = 0;
    return { log, missedLineCount };
  }

  /** Gives the files back. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.looking.catch(() => undefined);
    for (const { file } of this.waiting.splice(0)) await file.close();
  }

  private async lookOnce(): Promise<void> {
    const top = await stat(this.path).catch(() => undefined);
    if (top === undefined || top.ino === this.newest) return;
    const all = await this.openAll();
    const at = all.findIndex(({ inode }) => inode === this.newest);
    for (const { file } of at < 0 ? [] : all.slice(at)) await file.close();
    // The one that was newest has gone meanwhile, and with it others: one line at least, and nobody knows how many.
    if (at < 0 && this.newest !== undefined) this.missed += 1;
    const newer = at < 0 ? all : all.slice(0, at);
    this.newest = newer[0]?.inode ?? this.newest;
    this.waiting.push(...[...newer].reverse());
    while (this.waiting.length >= limit("logFiles")) await this.skipOldest();
  }

  private async skipOldest(): Promise<void> {
    const oldest = this.waiting.shift();
    if (oldest === undefined) return;
    this.missed += await countLines(oldest.file);
    await oldest.file.close();
  }

  /** All files, the newest first. One that is renamed between two steps is met twice: the second time it is let go. */
  private async openAll(): Promise<readonly OpenLog[]> {
    const found: OpenLog[] = [];
    for (let age = 0; age < limit("logFiles"); age += 1) {
      const file = await open(rotatedPath(this.path, age), "r").catch(() => undefined);
      if (file === undefined) continue;
      const { ino: inode } = await file.stat();
      if (found.some((other) => other.inode === inode)) await file.close();
      else found.push({ file, inode });
    }
    return found;
  }
}

async function countLines(file: FileHandle): Promise<number> {
  const count = lineCounter();
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(block, 0, block.length, position);
    if (bytesRead === 0) return count.lines;
    count.add(block.subarray(0, bytesRead));
    position += bytesRead;
  }
}
