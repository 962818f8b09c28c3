import type { TarEntry, TarType } from "./entry.js";
import { BLOCK_BYTES, encodeHeader, octalMax } from "./header.js";
import { formatPax, type PaxRecord } from "./pax.js";

const FLAGS: Readonly<Record<TarType, string>> = {
  file: "0",
  link: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/** The blocks that announce an entry; its content follows, then `tarPadding`. What ustar cannot hold goes into pax records. */
export function tarHeader(entry: TarEntry): Buffer {
  const records = paxRecords(entry);
  const header = encodeHeader({
    path: entry.path.slice(0, 100),
    typeFlag: FLAGS[entry.type],
    mode: entry.mode,
    uid: Math.min(entry.uid, octalMax(8)),
    gid: Math.min(entry.gid, octalMax(8)),
    sizeBytes: Math.min(entry.sizeBytes, octalMax(12)),
    mtimeS: entry.mtimeS,
    linkPath: entry.linkPath.slice(0, 100),
    devMajor: entry.devMajor,
    devMinor: entry.devMinor,
  });
  if (records.length === 0) return header;
  const body = formatPax(records);
  const announced = encodeHeader({
    path: "PaxHeaders/entry",
    typeFlag: "x",
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: body.length,
    mtimeS: 0,
    linkPath: "",
    devMajor: 0,
    devMinor: 0,
  });
  return Buffer.concat([announced, body, tarPadding(body.length), header]);
}

/** Zeros that fill the last block of a content. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** The end of an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK_BYTES);
}

/** A whole archive in memory; for small ones. The entries' sizes are taken from their contents. */
export function tarArchive(entries: Iterable<readonly [TarEntry, Uint8Array]>): Buffer {
  const parts: Uint8Array[] = [];
  for (const [entry, content] of entries) {
    parts.push(tarHeader({ ...entry, sizeBytes: content.length }), content, tarPadding(content.length));
  }
  return Buffer.concat([...parts, tarEnd()]);
}

function paxRecords(entry: TarEntry): PaxRecord[] {
  const records: PaxRecord[] = [];
  if (needsPax(entry.path)) records.push({ key: "path", value: entry.path });
  if (needsPax(entry.linkPath)) records.push({ key: "linkpath", value: entry.linkPath });
  if (entry.sizeBytes > octalMax(12)) records.push({ key: "size", value: String(entry.sizeBytes) });
  if (entry.uid > octalMax(8)) records.push({ key: "uid", value: String(entry.uid) });
  if (entry.gid > octalMax(8)) records.push({ key: "gid", value: String(entry.gid) });
  if (!Number.isInteger(entry.mtimeS) || entry.mtimeS < 0) records.push({ key: "mtime", value: String(entry.mtimeS) });
  for (const [name, value] of entry.xattrs) {
    records.push({ key: `SCHILY.xattr.${name}`, value: Buffer.from(value).toString("latin1") });
  }
  return records;
}

/** A path in a header block ends at its first zero byte and has 100 bytes. */
function needsPax(path: string): boolean {
  return path.length > 100;
}
