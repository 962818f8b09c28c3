import { TallshipError } from "../errors.js";

/** One record of a pax header; key and value hold one byte per character. */
export interface PaxRecord {
  readonly key: string;
  readonly value: string;
}

/** Parses pax records `LENGTH KEY=VALUE\n`. Order is kept, since sparse maps of version 0.0 repeat their keys. */
export function parsePax(body: Buffer): readonly PaxRecord[] {
  const records: PaxRecord[] = [];
  const all = body.toString("latin1");
  let at = 0;
  while (at < all.length && all.charCodeAt(at) !== 0) {
    const space = all.indexOf(" ", at);
    const lengthText = space === -1 ? "" : all.slice(at, space);
    const end = /^[1-9][0-9]{0,8}$/.test(lengthText) ? at + Number(lengthText) : 0;
    const equals = all.indexOf("=", space);
    if (end <= space || equals === -1 || equals >= end || all[end - 1] !== "\n") {
      throw new TallshipError("invalid_argument", `tar pax header: malformed record at offset ${at}`);
    }
    records.push({ key: all.slice(space + 1, equals), value: all.slice(equals + 1, end - 1) });
    at = end;
  }
  return records;
}

/** Formats pax records. */
export function formatPax(records: readonly PaxRecord[]): Buffer {
  return Buffer.from(records.map(formatRecord).join(""), "latin1");
}

/** The number in a pax value. */
export function paxNumber({ key, value }: PaxRecord): number {
  const parsed = /^-?[0-9]+(\.[0-9]*)?$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isFinite(parsed)) throw new TallshipError("invalid_argument", `tar pax header: ${key} is not a number`);
  return parsed;
}

function formatRecord({ key, value }: PaxRecord): string {
  const bare = ` ${key}=${value}\n`;
  // The length counts its own digits.
  let length = bare.length + String(bare.length).length;
  if (bare.length + String(length).length > length) length += 1;
  return `${length}${bare}`;
}
