import { TallshipError } from "../errors.js";
import { NO_XATTRS, type SparseMap, type TarEntry, type TarType } from "./entry.js";
import { BLOCK_BYTES, decodeHeader, type RawHeader } from "./header.js";
import { type PaxRecord, parsePax, paxNumber } from "./pax.js";
import { checkedMap, contentMap, gnuFurtherRegions, gnuHeaderRegions, paxSparse, storedBytes } from "./sparse.js";

/** Takes an archive's entries as they come: `entry`, its `content` in any number of pieces, `end`. */
export interface TarSink {
  entry(entry: TarEntry): void;
  content(bytes: Buffer): void;
  end(): void;
}

/** Most bytes of a pax header, long name or sparse map: they are held in memory. */
const META_BYTES_MAX = 1_048_576;

const TYPES: Readonly<Record<string, TarType>> = {
  "\0": "file",
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

/** Entries that describe the next one: pax records, pax records for all, GNU long name, GNU long link. */
const META_FLAGS = "xgLK";

type State =
  | { readonly is: "header" }
  | { readonly is: "meta"; readonly typeFlag: string; readonly chunks: Buffer[] }
  | { readonly is: "gnuMap"; readonly header: RawHeader; readonly map: SparseMap }
  | { readonly is: "contentMap"; readonly entry: TarEntry; readonly realSize: number; blocks: Buffer }
  | { readonly is: "content" }
  | { readonly is: "ended" };

/**
 * Reads a tar archive (v7, ustar, pax, GNU; sparse files of all four kinds) that is pushed into it, without waiting and with
 * bounded memory: a layer of many small files costs a function call per entry, where the stream libraries cost several turns
 * of the event loop, and none of them reads sparse files or bounds a pax header. Throws invalid_argument on what is malformed.
 */
export class TarReader {
  private readonly sink: TarSink;
  private state: State = { is: "header" };
  /** Content bytes still to come for the current entry, and the padding after them. */
  private remaining = 0;
  private padding = 0;
  private readonly block = Buffer.alloc(BLOCK_BYTES);
  private blockFilled = 0;
  private paxRecords: readonly PaxRecord[] = [];
  private longPath: string | undefined;
  private longLink: string | undefined;
  private hasZeroBlock = false;

  constructor(sink: TarSink) {
    this.sink = sink;
  }

  /** Reads the next bytes. They are not kept after the call. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.state.is !== "ended") {
      if (this.remaining > 0) at += this.takeContent(chunk, at);
      else if (this.padding > 0) at += this.takePadding(chunk.length - at);
      else at += this.takeBlock(chunk, at);
    }
  }

  /** Says that no more bytes come. Throws when the archive ends within an entry. */
  finish(): void {
    const isAtBoundary = this.state.is === "header" && this.blockFilled === 0 && this.padding === 0;
    if (this.state.is !== "ended" && !isAtBoundary) throw malformed("the archive ends within an entry");
  }

  private takeContent(chunk: Buffer, at: number): number {
    const taken = Math.min(this.remaining, chunk.length - at);
    const bytes = chunk.subarray(at, at + taken);
    this.remaining -= taken;
    if (this.state.is === "meta") {
      this.state.chunks.push(Buffer.from(bytes));
      if (this.remaining === 0) this.endMeta(this.state.typeFlag, Buffer.concat(this.state.chunks));
      return taken;
    }
    this.sink.content(bytes);
    if (this.remaining === 0) this.endEntry();
    return taken;
  }

  private takePadding(available: number): number {
    const taken = Math.min(this.padding, available);
    this.padding -= taken;
    return taken;
  }

  private takeBlock(chunk: Buffer, at: number): number {
    if (this.blockFilled === 0 && chunk.length - at >= BLOCK_BYTES) {
      this.onBlock(chunk.subarray(at, at + BLOCK_BYTES));
      return BLOCK_BYTES;
    }
    const taken = chunk.copy(this.block, this.blockFilled, at);
    this.blockFilled += taken;
    if (this.blockFilled === BLOCK_BYTES) {
      this.blockFilled = 0;
      this.onBlock(this.block);
    }
    return taken;
  }

  private onBlock(block: Buffer): void {
    if (this.state.is === "gnuMap") {
      this.onGnuMap(this.state.header, this.state.map, block);
      return;
    }
    if (this.state.is === "contentMap") {
      this.onContentMap(this.state, block);
      return;
    }
    const header = decodeHeader(block);
    if (header === undefined) {
      if (this.hasZeroBlock) this.state = { is: "ended" };
      this.hasZeroBlock = true;
      return;
    }
    if (this.hasZeroBlock) throw malformed("an entry follows the end of the archive");
    this.onHeader(header, block);
  }

  private onHeader(header: RawHeader, block: Buffer): void {
    if (META_FLAGS.includes(header.typeFlag)) {
      if (header.sizeBytes > META_BYTES_MAX)
        throw malformed(`a ${header.typeFlag} header of ${header.sizeBytes} bytes`);
      this.state = { is: "meta", typeFlag: header.typeFlag, chunks: [] };
      this.expect(header.sizeBytes);
      if (header.sizeBytes === 0) this.endMeta(header.typeFlag, Buffer.alloc(0));
      return;
    }
    if (header.typeFlag !== "S") {
      this.startEntry(this.described(header));
      return;
    }
    const { regions, realSize, isContinued } = gnuHeaderRegions(block);
    const map = { realSize, regions };
    if (isContinued) this.state = { is: "gnuMap", header, map };
    else this.startContent({ ...this.described(header), sparse: checkedMap(realSize, regions) });
  }

  private onGnuMap(header: RawHeader, map: SparseMap, block: Buffer): void {
    const { regions, isContinued } = gnuFurtherRegions(block);
    const grown = { realSize: map.realSize, regions: [...map.regions, ...regions] };
    if (grown.regions.length * 24 > META_BYTES_MAX) throw malformed("a sparse map of too many regions");
    if (isContinued) this.state = { is: "gnuMap", header, map: grown };
    else this.startContent({ ...this.described(header), sparse: checkedMap(grown.realSize, grown.regions) });
  }

  private onContentMap(state: State & { is: "contentMap" }, block: Buffer): void {
    const blocks = Buffer.concat([state.blocks, block]);
    if (blocks.length > Math.min(META_BYTES_MAX, state.entry.sizeBytes)) throw malformed("a sparse map without end");
    const map = contentMap(blocks, state.realSize);
    if (map !== undefined) {
      this.startContent({ ...state.entry, sizeBytes: state.entry.sizeBytes - blocks.length, sparse: map });
      return;
    }
    state.blocks = blocks;
  }

  private startEntry(entry: TarEntry): void {
    const sparse = paxSparse(this.takenPax);
    if (sparse.is === "none" || entry.type !== "file") {
      this.startContent(entry);
      return;
    }
    const named = { ...entry, path: sparse.path ?? entry.path };
    if (sparse.is === "inHeader") this.startContent({ ...named, sparse: sparse.map });
    else this.state = { is: "contentMap", entry: named, realSize: sparse.realSize, blocks: Buffer.alloc(0) };
  }

  private startContent(entry: TarEntry): void {
    if (entry.sparse !== undefined && storedBytes(entry.sparse) !== entry.sizeBytes) {
      throw malformed("a sparse map that does not cover its content");
    }
    this.state = { is: "content" };
    this.sink.entry(entry);
    this.expect(entry.sizeBytes);
    if (entry.sizeBytes === 0) this.endEntry();
  }

  private endEntry(): void {
    this.state = { is: "header" };
    this.sink.end();
  }

  private endMeta(typeFlag: string, body: Buffer): void {
    this.state = { is: "header" };
    if (typeFlag === "x") this.paxRecords = parsePax(body);
    if (typeFlag === "L") this.longPath = untilNul(body);
    if (typeFlag === "K") this.longLink = untilNul(body);
    // "g", records for all entries, only ever carries comments in images and is skipped, as Docker does.
  }

  private expect(sizeBytes: number): void {
    this.remaining = sizeBytes;
    this.padding = (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
  }

  /** Records that described the entry last started. */
  private takenPax: readonly PaxRecord[] = [];

  private described(header: RawHeader): TarEntry {
    const entry = describe(header, this.paxRecords, this.longPath, this.longLink);
    this.takenPax = this.paxRecords;
    this.paxRecords = [];
    this.longPath = undefined;
    this.longLink = undefined;
    return entry;
  }
}

function describe(
  header: RawHeader,
  records: readonly PaxRecord[],
  longPath: string | undefined,
  longLink: string | undefined,
): TarEntry {
  const type = TYPES[header.typeFlag];
  if (type === undefined) throw malformed(`an entry of type ${JSON.stringify(header.typeFlag)}`);
  const plain = {
    path: longPath ?? header.path,
    type,
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    sizeBytes: header.sizeBytes,
    mtimeS: header.mtimeS,
    linkPath: longLink ?? header.linkPath,
    devMajor: header.devMajor,
    devMinor: header.devMinor,
    xattrs: NO_XATTRS,
    sparse: undefined,
  };
  const entry = records.length === 0 ? plain : withRecords(plain, records);
  if (!Number.isSafeInteger(entry.sizeBytes) || entry.sizeBytes < 0)
    throw malformed(`an entry of ${entry.sizeBytes} bytes`);
  // Version 7 has no type for directories. The whole name counts, not the part of it that fits into the header.
  if (header.typeFlag <= "0" && entry.path.endsWith("/")) return { ...entry, type: "directory", sizeBytes: 0 };
  return type === "file" ? entry : { ...entry, sizeBytes: 0 };
}

function withRecords(plain: TarEntry, records: readonly PaxRecord[]): TarEntry {
  const changed: { -readonly [K in keyof TarEntry]: TarEntry[K] } = { ...plain };
  const xattrs = new Map<string, Uint8Array>();
  for (const record of records) {
    const { key, value } = record;
    if (key === "path") changed.path = value;
    else if (key === "linkpath") changed.linkPath = value;
    else if (key === "size") changed.sizeBytes = paxNumber(record);
    else if (key === "uid") changed.uid = paxNumber(record);
    else if (key === "gid") changed.gid = paxNumber(record);
    else if (key === "mtime") changed.mtimeS = paxNumber(record);
    else if (key.startsWith("SCHILY.xattr.")) xattrs.set(key.slice(13), Buffer.from(value, "latin1"));
    else if (key.startsWith("LIBARCHIVE.xattr.")) addDecoded(xattrs, key.slice(17), value);
  }
  if (xattrs.size > 0) changed.xattrs = xattrs;
  return changed;
}

/** libarchive writes the attribute twice, in its own form and in star's; star's wins, since it needs no decoding. */
function addDecoded(xattrs: Map<string, Uint8Array>, encodedName: string, base64: string): void {
  const name = encodedName.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  if (!xattrs.has(name)) xattrs.set(name, Buffer.from(base64, "base64"));
}

function untilNul(body: Buffer): string {
  const end = body.indexOf(0);
  return body.toString("latin1", 0, end === -1 ? body.length : end);
}

function malformed(what: string): TallshipError {
  return new TallshipError("invalid_argument", `tar archive: ${what}`);
}
