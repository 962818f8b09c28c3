import { TallshipError } from "../errors.js";
import type { SparseMap, SparseRegion } from "./entry.js";
import { number } from "./header.js";
import { type PaxRecord, paxNumber } from "./pax.js";

/** Most regions of one sparse file; a map of more is refused. */
const REGIONS_MAX = 100_000;

/** The four regions in the header block of a GNU sparse file, and whether further blocks of regions follow. */
export function gnuHeaderRegions(block: Buffer): { regions: SparseRegion[]; realSize: number; isContinued: boolean } {
  return { regions: regionsAt(block, 386, 4), realSize: number(block, 483, 12), isContinued: block[482] !== 0 };
}

/** The regions in a further block of a GNU sparse file, and whether yet another follows. */
export function gnuFurtherRegions(block: Buffer): { regions: SparseRegion[]; isContinued: boolean } {
  return { regions: regionsAt(block, 0, 21), isContinued: block[504] !== 0 };
}

/** What the pax records of an entry say of holes. Version 1.0 has its map at the start of the content. */
export type PaxSparse =
  | { readonly is: "none" }
  | { readonly is: "inHeader"; readonly map: SparseMap; readonly path: string | undefined }
  | { readonly is: "inContent"; readonly realSize: number; readonly path: string | undefined };

/** Reads pax sparse records of versions 0.0, 0.1 and 1.0. */
export function paxSparse(records: readonly PaxRecord[]): PaxSparse {
  const last = new Map(records.map((record) => [record.key, record]));
  const path = last.get("GNU.sparse.name")?.value;
  const size = last.get("GNU.sparse.realsize") ?? last.get("GNU.sparse.size");
  if (size === undefined) return { is: "none" };
  const realSize = paxNumber(size);
  if (last.get("GNU.sparse.major")?.value === "1") return { is: "inContent", realSize, path };
  const flat = last.get("GNU.sparse.map")?.value.split(",") ?? alternating(records);
  return { is: "inHeader", map: checkedMap(realSize, pairs(flat)), path };
}

/**
 * Parses the map at the start of a version 1.0 file from the blocks read so far: undefined while more blocks are needed.
 */
export function contentMap(blocks: Buffer, realSize: number): SparseMap | undefined {
  const lines = blocks.toString("latin1").split("\n");
  const count = Number(lines[0]);
  if (lines.length > 1 && !(Number.isInteger(count) && count >= 0 && count <= REGIONS_MAX)) {
    throw new TallshipError("invalid_argument", "tar sparse map: malformed count");
  }
  if (lines.length < 2 || lines.length < 2 * count + 2) return undefined;
  return checkedMap(realSize, pairs(lines.slice(1, 2 * count + 1)));
}

/** The map, once its regions rise, do not overlap and end within the file. */
export function checkedMap(realSize: number, regions: readonly SparseRegion[]): SparseMap {
  let end = 0;
  const isRising = regions.every(({ offset, length }) => {
    const isRight = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= end && length >= 0;
    end = offset + length;
    return isRight && end <= realSize;
  });
  if (!Number.isSafeInteger(realSize) || realSize < 0 || !isRising || regions.length > REGIONS_MAX) {
    throw new TallshipError("invalid_argument", "tar sparse map: regions overlap or end beyond the file");
  }
  return { realSize, regions: regions.filter(({ length }) => length > 0) };
}

/** Bytes of content that the archive holds for the map. */
export function storedBytes(map: SparseMap): number {
  return map.regions.reduce((sum, { length }) => sum + length, 0);
}

function regionsAt(block: Buffer, start: number, count: number): SparseRegion[] {
  const regions: SparseRegion[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = start + 24 * index;
    if (block[at] === 0) break;
    regions.push({ offset: number(block, at, 12), length: number(block, at + 12, 12) });
  }
  return regions;
}

function alternating(records: readonly PaxRecord[]): string[] {
  return records
    .filter(({ key }) => key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes")
    .map(({ value }) => value);
}

function pairs(flat: readonly string[]): SparseRegion[] {
  const regions: SparseRegion[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    regions.push({ offset: Number(flat[at]), length: Number(flat[at + 1]) });
  }
  return regions;
}
