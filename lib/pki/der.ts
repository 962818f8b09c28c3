import { TallshipError } from "../errors.js";

/** Tags of the ASN.1 types that certificates are made of. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element of DER: tag, content, and the bytes of the whole. */
export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

/** Writes one element: tag, shortest length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(count: number): Buffer {
  if (count < 0x80) return Buffer.from([count]);
  const hex = count.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

/** SEQUENCE of the parts. */
export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(TAG.sequence, ...parts);

/** SET of one part. */
export const setOf = (part: Uint8Array): Buffer => der(TAG.set, part);

/** Context tag `number` around parts, constructed. */
export const context = (number: number, ...parts: readonly Uint8Array[]): Buffer => der(0xa0 | number, ...parts);

/** Context tag `number` in place of a primitive type's own. */
export const contextPrimitive = (number: number, content: Uint8Array): Buffer => der(0x80 | number, content);

/** OCTET STRING. */
export const octetString = (content: Uint8Array): Buffer => der(TAG.octetString, content);

/** BIT STRING of whole bytes, or with `unusedBits` at its end. */
export const bitString = (content: Uint8Array, unusedBits = 0): Buffer =>
  der(TAG.bitString, Buffer.from([unusedBits]), content);

/** UTF8String. */
export const utf8String = (text: string): Buffer => der(TAG.utf8String, Buffer.from(text, "utf8"));

/** BOOLEAN true; false is always left out, being the default wherever certificates use it. */
export const derTrue = (): Buffer => der(TAG.boolean, Buffer.from([0xff]));

/** INTEGER of a magnitude, big-endian; never negative. */
export function unsigned(magnitude: Uint8Array): Buffer {
  const firstSet = magnitude.findIndex((byte) => byte !== 0);
  const shortest = firstSet < 0 ? Buffer.from([0]) : magnitude.subarray(firstSet);
  const isNegative = ((shortest[0] ?? 0) & 0x80) !== 0;
  return isNegative ? der(TAG.integer, Buffer.from([0]), shortest) : der(TAG.integer, shortest);
}

/** OBJECT IDENTIFIER written as "1.2.840…". */
export function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...others] = text.split(".").map(Number);
  return der(TAG.oid, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

function base128(value: number): readonly number[] {
  const digits = [value & 0x7f];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    digits.unshift(0x80 | (rest & 0x7f));
  return digits;
}

/** The time in whole seconds, as X.509 wants it: UTCTime before 2050, GeneralizedTime from then on. */
export function derTime(epochMs: number): Buffer {
  const digits = `${new Date(epochMs).toISOString().slice(0, 19).replace(/[-:T]/g, "")}Z`;
  if (Number(digits.slice(0, 4)) < 2050) return der(TAG.utcTime, Buffer.from(digits.slice(2)));
  return der(TAG.generalizedTime, Buffer.from(digits));
}

/** Reads exactly one element; throws invalid_argument when the bytes are no DER, cut short or followed by others. */
export function readElement(bytes: Uint8Array): Element {
  const elements = readElements(bytes);
  const [only] = elements;
  if (only === undefined || elements.length !== 1) throw malformed(`want one element, have ${elements.length}`);
  return only;
}

/** Reads the elements that stand one after the other, such as the content of a SEQUENCE. */
export function readElements(bytes: Uint8Array): readonly Element[] {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Element[] = [];
  for (let at = 0; at < source.length; ) {
    const element = readAt(source, at);
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

function readAt(source: Buffer, at: number): Element {
  const tag = source[at];
  const first = source[at + 1];
  if (tag === undefined || first === undefined) throw malformed("cut short");
  if ((tag & 0x1f) === 0x1f) throw malformed("a tag of several bytes");
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || lengthBytes > 4) throw malformed("a length that DER does not allow");
  const start = at + 2 + lengthBytes;
  if (start > source.length) throw malformed("cut short");
  const length = lengthBytes === 0 ? first : source.readUIntBE(at + 2, lengthBytes);
  if (start + length > source.length) throw malformed("cut short");
  return { tag, content: source.subarray(start, start + length), whole: source.subarray(at, start + length) };
}

function malformed(why: string): TallshipError {
  return new TallshipError("invalid_argument", `read DER: ${why}`);
}
