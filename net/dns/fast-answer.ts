import { limit } from "../../lib/limits.js";
import type { Rng } from "../../lib/rng.js";
import { parseAddress } from "../ipv4.js";
import type { NameEntry } from "./service-names.js";
import type { Asker, Zone } from "./zone.js";

const HEADER_BYTES = 12;
const RECORD_BYTES = 16;
const OPT_BYTES = 11;
const TYPE_A = 1;
const TYPE_OPT = 41;
const CLASS_IN = 1;

/**
 * Answers the one question that nearly all are: one name of the cluster, type A. Works on the bytes, with nothing decoded that is not
 * needed: 2 us instead of 20. Whatever is unusual gets undefined, and goes the long way; where both answer, they say the same.
 */
export class FastAnswers {
  private readonly zone: Zone;
  private readonly rng: Rng;
  private readonly packed = new WeakMap<NameEntry, readonly number[]>();
  private readonly lower = Buffer.alloc(256);

  constructor(zone: Zone, rng: Rng) {
    this.zone = zone;
    this.rng = rng;
  }

  /** The whole reply to a query over UDP. */
  answer(query: Buffer, asker?: Asker): Buffer | undefined {
    if (query.length < HEADER_BYTES + 5 || !isPlainQuery(query)) return undefined;
    const end = this.readName(query);
    if (end === undefined || end + 4 > query.length) return undefined;
    if (query.readUInt16BE(end) !== TYPE_A || query.readUInt16BE(end + 2) !== CLASS_IN) return undefined;
    const maxBytes = edns(query, end + 4);
    if (maxBytes === undefined) return undefined;
    // The name was read with a dot after each label.
    const entry = this.zone.entry(this.lower.toString("latin1", 0, end - HEADER_BYTES - 2), asker);
    if (entry?.a === undefined || entry.a.length === 0 || entry.cname !== undefined) return undefined;
    const addresses = this.addressesOf(entry, entry.a);
    const bytes = end + 4 + addresses.length * RECORD_BYTES + (maxBytes > 0 ? OPT_BYTES : 0);
    return bytes > Math.max(512, maxBytes) ? undefined : this.write(query, end + 4, addresses, maxBytes > 0);
  }

  private write(query: Buffer, questionEnd: number, addresses: readonly number[], hasEdns: boolean): Buffer {
    const size = questionEnd + addresses.length * RECORD_BYTES + (hasEdns ? OPT_BYTES : 0);
    const reply = Buffer.allocUnsafe(size);
    query.copy(reply, 0, 0, questionEnd);
    // A response of authority that also forwards; what was asked for recursion is said back.
    reply[2] = 0x84 | ((query[2] ?? 0) & 0x01);
    reply[3] = 0x80;
    reply.writeUInt16BE(addresses.length, 6);
    reply.writeUInt16BE(0, 8);
    reply.writeUInt16BE(hasEdns ? 1 : 0, 10);
    // Starts at another record each time, so that clients that take the first spread.
    const from = addresses.length > 1 ? this.rng.below(addresses.length) : 0;
    let at = questionEnd;
    for (let step = 0; step < addresses.length; step += 1) {
      reply.writeUInt32BE(0xc0_0c_00_01, at);
      reply.writeUInt16BE(CLASS_IN, at + 4);
      reply.writeUInt32BE(limit("dnsTtlSeconds"), at + 6);
      reply.writeUInt16BE(4, at + 10);
      reply.writeUInt32BE(addresses[(from + step) % addresses.length] ?? 0, at + 12);
      at += RECORD_BYTES;
    }
    if (hasEdns) writeOpt(reply, at);
    return reply;
  }

  private addressesOf(entry: NameEntry, texts: readonly string[]): readonly number[] {
    const known = this.packed.get(entry);
    if (known !== undefined) return known;
    const fresh = texts.flatMap((text) => parseAddress(text) ?? []);
    this.packed.set(entry, fresh);
    return fresh;
  }

  /** Copies the name in lower case, labels ended by dots; returns where it ends. Undefined when it is compressed or malformed. */
  private readName(query: Buffer): number | undefined {
    let at = HEADER_BYTES;
    for (let length = query[at] ?? 0; length !== 0; length = query[at] ?? 0) {
      if (length > 63 || at + 1 + length >= query.length || at + 1 + length > HEADER_BYTES + 255) return undefined;
      for (let step = 1; step <= length; step += 1) {
        const byte = query[at + step] ?? 0;
        // A dot inside of a label would read as two labels; letters outside of ASCII take the long way.
        if (byte === 0x2e || byte > 0x7f) return undefined;
        this.lower[at + step - HEADER_BYTES - 1] = byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
      }
      at += length + 1;
      this.lower[at - HEADER_BYTES - 1] = 0x2e;
    }
    return at === HEADER_BYTES ? undefined : at + 1;
  }
}

/** A standard query with one question and nothing else but perhaps one additional record. */
function isPlainQuery(query: Buffer): boolean {
  return (
    ((query[2] ?? 0) & 0xfe) === 0 &&
    query.readUInt16BE(4) === 1 &&
    query.readUInt32BE(6) === 0 &&
    query.readUInt16BE(10) <= 1
  );
}

/** Largest answer that the EDNS record allows; 0 when there is none; undefined when what follows the question is something else. */
function edns(query: Buffer, at: number): number | undefined {
  if (query.readUInt16BE(10) === 0) return query.length === at ? 0 : undefined;
  if (query.length < at + OPT_BYTES || query[at] !== 0 || query.readUInt16BE(at + 1) !== TYPE_OPT) return undefined;
  const isVersionZero = query[at + 6] === 0;
  if (!isVersionZero || query.length !== at + OPT_BYTES + query.readUInt16BE(at + 9)) return undefined;
  return Math.min(Math.max(512, query.readUInt16BE(at + 3)), limit("dnsUdpBytes"));
}

function writeOpt(reply: Buffer, at: number): void {
  reply.fill(0, at, at + OPT_BYTES);
  reply.writeUInt16BE(TYPE_OPT, at + 1);
  reply.writeUInt16BE(limit("dnsUdpBytes"), at + 3);
}
