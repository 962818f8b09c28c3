// Edge: the checkpoint's file.
import {
  closeSync,
  constants,
  fsync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { syncFolder } from "../../lib/atomic-file.js";

const sync = promisify(fsync);

/** Stands for the text of a key that was removed. */
const REMOVED = "-";

interface Place {
  readonly at: number;
  readonly byteCount: number;
}

/**
 * The last text of each key, in one file that is only ever added to: a line per change, `KEY TEXT`. Once more of it is history than is in force, `compact` writes what
 * is in force to a new file and puts that in its place. A line that was cut off by a power cut is dropped. Texts and keys hold no line ends, keys no spaces.
 *
 * This replaced a file per key that was renamed into place: making a file and having it replace another waits for the file system's own journal, 1 to 5 ms each on a busy
 * disk, and syncing hundreds of them took the disk seconds. Adding a line to an open file takes 20 µs, and there is one file to sync.
 */
export class Journal {
  private readonly path: string;
  private readonly places = new Map<string, Place>();
  private file: number;
  private sizeBytes = 0;
  private liveBytes = 0;
  private compacting: Promise<void> | undefined;

  /** Opens the file, or makes it. Failures: those of the file system. */
  constructor(path: string) {
    this.path = path;
    rmSync(nextPath(path), { force: true });
    this.file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    this.index(readFileSync(this.file));
    ftruncateSync(this.file, this.sizeBytes);
  }

  /** Keys that have a text. */
  get keys(): readonly string[] {
    return [...this.places.keys()];
  }

  /** Bytes of the file that are history. */
  get staleBytes(): number {
    return this.sizeBytes - this.liveBytes;
  }

  /** Bytes of the file that are in force. */
  get usedBytes(): number {
    return this.liveBytes;
  }

  /** A key's text; undefined when it has none. */
  read(key: string): string | undefined {
    const place = this.places.get(key);
    if (place === undefined) return undefined;
    return readPlace(this.file, place)
      .toString("utf8")
      .slice(key.length + 1, -1);
  }

  /** Writes down a key's text: it outlives this process once this returns, and a power cut after the next sync. */
  write(key: string, text: string): void {
    const place = this.append(`${key} ${text}\n`);
    this.liveBytes += place.byteCount - (this.places.get(key)?.byteCount ?? 0);
    this.places.set(key, place);
  }

  /** A key has no text any more. */
  remove(key: string): void {
    const place = this.places.get(key);
    if (place === undefined) return;
    this.append(`${key} ${REMOVED}\n`);
    this.places.delete(key);
    this.liveBytes -= place.byteCount;
  }

  /** Resolves when all that was written before would outlive a power cut. */
  async sync(): Promise<void> {
    await this.compacting;
    await sync(this.file);
  }

  /** Leaves the history out, also of what a power cut would bring back. What is written meanwhile is kept; calls at once are one. */
  compact(): Promise<void> {
    this.compacting ??= this.writeAnew()
      .then(() => syncFolder(dirname(this.path)))
      .finally(() => {
        this.compacting = undefined;
      });
    return this.compacting;
  }

  /** Gives the file back. Compactions must have ended. */
  close(): void {
    closeSync(this.file);
  }

  private append(line: string): Place {
    const bytes = Buffer.from(line);
    const at = this.sizeBytes;
    try {
      writeWhole(this.file, bytes, at);
    } catch (error) {
      // Half a line must not stand before the next one.
      ftruncateSync(this.file, at);
      throw error;
    }
    this.sizeBytes += bytes.length;
    return { at, byteCount: bytes.length };
  }

  private index(bytes: Buffer): void {
    for (let at = 0, end = bytes.indexOf(10); end >= 0; at = end + 1, end = bytes.indexOf(10, at)) {
      const line = bytes.subarray(at, end);
      const key = line.subarray(0, Math.max(0, line.indexOf(32))).toString("utf8");
      const isRemoved = line.toString("utf8", key.length + 1, key.length + 3) === REMOVED;
      const place = { at, byteCount: end + 1 - at };
      this.liveBytes -= this.places.get(key)?.byteCount ?? 0;
      this.places.delete(key);
      this.sizeBytes = end + 1;
      if (isRemoved || key === "") continue;
      this.places.set(key, place);
      this.liveBytes += place.byteCount;
    }
  }

  /** What is in force goes into the new file and to the disk while others go on writing to the old one; what they wrote follows in one piece. */
  private async writeAnew(): Promise<void> {
    const next = openSync(nextPath(this.path), "w+", 0o600);
    try {
      const written = new Map<string, { readonly old: Place; readonly place: Place }>();
      let size = copyNew(this.file, next, { places: this.places, written, from: 0 });
      await sync(next);
      // From here on nobody else has a turn until the new file stands in the place of the old one.
      for (const key of [...written.keys()])
        if (!this.places.has(key)) size = dropFrom(next, { key, written, from: size });
      size = copyNew(this.file, next, { places: this.places, written, from: size });
      renameSync(nextPath(this.path), this.path);
      closeSync(this.file);
      this.file = next;
      this.sizeBytes = size;
      for (const [key, { place }] of written) this.places.set(key, place);
    } catch (error) {
      closeSync(next);
      rmSync(nextPath(this.path), { force: true });
      throw error;
    }
  }
}

interface Copying {
  readonly places: ReadonlyMap<string, Place>;
  readonly written: Map<string, { readonly old: Place; readonly place: Place }>;
  /** Where the next line goes. */
  readonly from: number;
}

/** Copies the lines in force that the new file does not have yet; returns its size. */
function copyNew(old: number, next: number, { places, written, from }: Copying): number {
  let at = from;
  for (const [key, place] of places) {
    if (written.get(key)?.old.at === place.at) continue;
    writeWhole(next, readPlace(old, place), at);
    written.set(key, { old: place, place: { at, byteCount: place.byteCount } });
    at += place.byteCount;
  }
  return at;
}

function dropFrom(next: number, { key, written, from }: Omit<Copying, "places"> & { readonly key: string }): number {
  const line = Buffer.from(`${key} ${REMOVED}\n`);
  writeWhole(next, line, from);
  written.delete(key);
  return from + line.length;
}

function readPlace(file: number, { at, byteCount }: Place): Buffer {
  const bytes = Buffer.alloc(byteCount);
  readSync(file, bytes, 0, byteCount, at);
  return bytes;
}

function writeWhole(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done);
}

function nextPath(path: string): string {
  return `${path}.next`;
}
