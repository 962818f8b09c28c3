// Edge: the file through which the agent tells the DNS process what it knows.
import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  watch,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import type { Cancel } from "../../lib/clock.js";
import { NamesReader } from "./names-log.js";
import type { NamesFile } from "./publish-names.js";
import type { Zone } from "./zone.js";

/** Where the names stand; in the run folder, since a reboot makes them worthless. */
export function namesPath(runDir: string): string {
  return join(runDir, "dns/names");
}

/** The writer's side. */
export function namesFile(path: string): NamesFile {
  mkdirSync(dirname(path), { recursive: true });
  return {
    replace: (lines) => {
      const fresh = `${path}.new`;
      writeFileSync(fresh, "");
      for (const block of blocksOf(lines)) appendFileSync(fresh, block);
      renameSync(fresh, path);
    },
    append: (lines) => appendFileSync(path, lines),
  };
}

/** Lines put together, so that a file of 10,000 is not written in as many calls. */
function* blocksOf(lines: Iterable<string>): Iterable<string> {
  let block = "";
  for (const line of lines) {
    block += line;
    if (block.length < BLOCK_BYTES) continue;
    yield block;
    block = "";
  }
  yield block;
}

const BLOCK_BYTES = 65_536;

/** The reader's side: brings a zone to what the file says, now and whenever it changes. */
export class NamesFollower {
  private readonly path: string;
  private readonly zone: Zone;
  private readonly onMalformed: (error: Error) => void;
  private file:
    | { readonly descriptor: number; readonly inode: number; reader: NamesReader; decoder: StringDecoder }
    | undefined;

  constructor(path: string, zone: Zone, onMalformed: (error: Error) => void) {
    this.path = path;
    this.zone = zone;
    this.onMalformed = onMalformed;
  }

  /** Reads what is new. A file that took the place of another is read from its start; none at all changes nothing. */
  read(): void {
    const inode = statSync(this.path, { throwIfNoEntry: false })?.ino;
    if (inode === undefined) return;
    if (this.file === undefined || this.file.inode !== inode) this.open();
    if (this.file !== undefined) this.drain(this.file);
  }

  /** Reads now and on each change until it is cancelled. */
  follow(): Cancel {
    mkdirSync(dirname(this.path), { recursive: true });
    const watcher = watch(dirname(this.path), (_event, name) => {
      if (name === basename(this.path)) this.read();
    });
    watcher.on("error", () => undefined);
    this.read();
    return () => {
      watcher.close();
      this.close();
    };
  }

  private open(): void {
    this.close();
    const descriptor = openSync(this.path, "r");
    this.zone.clear();
    this.file = {
      descriptor,
      inode: fstatSync(descriptor).ino,
      reader: new NamesReader(this.zone),
      decoder: new StringDecoder("utf8"),
    };
  }

  private drain({
    descriptor,
    reader,
    decoder,
  }: {
    descriptor: number;
    reader: NamesReader;
    decoder: StringDecoder;
  }): void {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    try {
      for (let count = readSync(descriptor, block); count > 0; count = readSync(descriptor, block))
        reader.push(decoder.write(block.subarray(0, count)));
    } catch (error) {
      // What was read stands; the next whole file heals it.
      this.onMalformed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private close(): void {
    if (this.file !== undefined) closeSync(this.file.descriptor);
    this.file = undefined;
  }
}
