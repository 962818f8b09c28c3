import { TallshipError } from "../errors.js";

/** A tar archive is made of blocks of this many bytes. */
export const BLOCK_BYTES = 512;

/** The fields of one header block as they stand, before long names and pax records. */
export interface RawHeader {
  readonly path: string;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeS: number;
  readonly linkPath: string;
  readonly devMajor: number;
  readonly devMinor: number;
}

/** Decodes a header block of v7, ustar, pax or GNU tar; undefined for a block of zeros. Throws when the checksum is wrong. */
export function decodeHeader(block: Buffer): RawHeader | undefined {
  const sum = checksum(block);
  if (sum === ZERO_BLOCK_SUM && block[0] === 0 && isZero(block)) return undefined;
  const stored = number(block, 148, 8);
  if (stored !== sum && stored !== signedChecksum(block)) {
    throw new TallshipError("invalid_argument", `tar header: checksum ${stored}, computed ${sum}`);
  }
  const magic = block.toString("latin1", 257, 265);
  const name = text(block, 0, 100);
  const prefix = magic.startsWith("ustar\0") ? text(block, 345, 155) : "";
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    typeFlag: String.fromCharCode(block[156] ?? 0),
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    sizeBytes: number(block, 124, 12),
    mtimeS: number(block, 136, 12),
    linkPath: text(block, 157, 100),
    devMajor: magic.startsWith("ustar") ? number(block, 329, 8) : 0,
    devMinor: magic.startsWith("ustar") ? number(block, 337, 8) : 0,
  };
}

/** Encodes a ustar header block. Values that do not fit are the caller's: it puts them into pax records and passes what fits. */
export function encodeHeader(header: RawHeader): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(header.path, 0, 100, "latin1");
  writeOctal(block, 100, 8, header.mode);
  writeOctal(block, 108, 8, header.uid);
  writeOctal(block, 116, 8, header.gid);
  writeOctal(block, 124, 12, header.sizeBytes);
  writeOctal(block, 136, 12, Math.max(0, Math.floor(header.mtimeS)));
  block.write(header.typeFlag, 156, 1, "latin1");
  block.write(header.linkPath, 157, 100, "latin1");
  block.write("ustar\x0000", 257, 8, "latin1");
  writeOctal(block, 329, 8, header.devMajor);
  writeOctal(block, 337, 8, header.devMinor);
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, 148, 8, "latin1");
  return block;
}

/** The largest number that a field of this many bytes holds in octal. */
export function octalMax(width: number): number {
  return 8 ** (width - 1) - 1;
}

/** The number in a field: octal text, or base 256 when the first bit is set. NaN is refused. */
export function number(block: Buffer, at: number, width: number): number {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) return base256(block, at, width);
  let value = 0;
  let isStarted = false;
  for (let index = at; index < at + width; index += 1) {
    const byte = block[index] ?? 0;
    if (byte === 0 || byte === 0x20) {
      if (isStarted) break;
      continue;
    }
    if (byte < 0x30 || byte > 0x37) {
      throw new TallshipError("invalid_argument", `tar header: byte ${byte} in a number at offset ${at}`);
    }
    isStarted = true;
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

function base256(block: Buffer, at: number, width: number): number {
  const isNegative = block[at] === 0xff;
  let value = isNegative ? -1 : (block[at] ?? 0) & 0x7f;
  for (let index = at + 1; index < at + width; index += 1) value = value * 256 + (block[index] ?? 0);
  if (!Number.isSafeInteger(value)) {
    throw new TallshipError("invalid_argument", `tar header: number at offset ${at} is too large`);
  }
  return value;
}

function text(block: Buffer, at: number, width: number): string {
  const end = block.indexOf(0, at);
  return block.toString("latin1", at, end === -1 || end > at + width ? at + width : end);
}

function writeOctal(block: Buffer, at: number, width: number, value: number): void {
  block.write(value.toString(8).padStart(width - 1, "0"), at, width - 1, "latin1");
}

/** The sum of a block of zeros: the checksum field itself counts as eight spaces. */
const ZERO_BLOCK_SUM = 8 * 0x20;

function checksum(block: Buffer): number {
  let sum = ZERO_BLOCK_SUM;
  for (let at = 0; at < 148; at += 1) sum += block[at] ?? 0;
  for (let at = 156; at < BLOCK_BYTES; at += 1) sum += block[at] ?? 0;
  return sum;
}

function signedChecksum(block: Buffer): number {
  let sum = ZERO_BLOCK_SUM;
  for (let at = 0; at < 148; at += 1) sum += block.readInt8(at);
  for (let at = 156; at < BLOCK_BYTES; at += 1) sum += block.readInt8(at);
  return sum;
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}
