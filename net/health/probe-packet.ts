import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** Kinds of probes of one peer: which way, and how large. */
export const LANES = ["underlay-small", "underlay-full", "overlay-small", "overlay-full"] as const;

/** One of them. */
export type Lane = (typeof LANES)[number];

/** The lane of a probe. Those beside LANES count in none: one of another size looks for the largest that passes; one of IPv6 is small and goes through the overlay; and one of a network beside the cluster's own is small too. */
export type ProbeLane = Lane | "sized" | "ipv6" | "network";

/** The paths to a peer, of which all that can be known is. */
export type Path = "underlay" | "overlay";

/** The ways that probes take: the paths, which are of IPv4, and through the overlay by IPv6, in clusters that speak it. */
export type Way = Path | "ipv6";

/** Requests of one peer that arrived, by lane, since the answerer's start. */
export type LaneCounts = readonly [number, number, number, number];

/** A probe or its answer, without its padding. */
export interface ProbePacket {
  readonly is: "request" | "answer";
  readonly lane: ProbeLane;
  /** The request arrived, but not as it was sent. */
  readonly wasCorrupt: boolean;
  readonly sequence: number;
  /** Who asks. */
  readonly from: bigint;
  /** In a request who is meant, in an answer who answers. */
  readonly to: bigint;
  /** Wall time of the request's sender, milliseconds. */
  readonly sentAtMs: number;
  /** Wall time of the answerer, milliseconds; 0 in requests. */
  readonly heardAtMs: number;
  /** What the answerer has heard of this sender; zeros in requests. */
  readonly counts: LaneCounts;
  /** Names the answerer's start: counts of another are not comparable. */
  readonly epoch: number;
  /** Packets whose checksum the answerer's kernel found wrong since it booted; it wraps. */
  readonly checksumErrors: number;
}

const MAGIC = 0x54535052;
const VERSION = 1;
const UNCOUNTED: readonly ProbeLane[] = ["sized", "ipv6", "network"];
const NUMBERED: readonly ProbeLane[] = [...LANES, ...UNCOUNTED];

/** Bytes of a packet without padding: answers have no more, so nobody is ever sent more than he sent. */
export const PROBE_BYTES = 72;

/** Bytes of IPv4 and UDP before it. */
export const PROBE_HEADERS_BYTES = 28;

/** Whether answers tell how many of the lane arrived. */
export function isCounted(lane: ProbeLane): lane is Lane {
  return !UNCOUNTED.includes(lane);
}

/** A node's number in packets. */
export function nodeIdOf(nodeName: string): bigint {
  return createHash("sha256").update(nodeName).digest().readBigUInt64BE();
}

/** The packet, padded to so many bytes; at least PROBE_BYTES. */
export function encodeProbe(packet: ProbePacket, bytes = PROBE_BYTES): Buffer {
  const buffer = Buffer.alloc(Math.max(bytes, PROBE_BYTES));
  buffer.writeUInt32BE(MAGIC, 0);
  buffer.writeUInt8(VERSION, 4);
  buffer.writeUInt8(packet.is === "request" ? 1 : 2, 5);
  buffer.writeUInt8(NUMBERED.indexOf(packet.lane), 6);
  buffer.writeUInt8(packet.wasCorrupt ? 1 : 0, 7);
  buffer.writeUInt32BE(packet.sequence, 8);
  buffer.writeBigUInt64BE(packet.from, 12);
  buffer.writeBigUInt64BE(packet.to, 20);
  buffer.writeDoubleBE(packet.sentAtMs, 28);
  buffer.writeDoubleBE(packet.heardAtMs, 36);
  for (const [at, count] of packet.counts.entries()) buffer.writeUInt32BE(count >>> 0, 44 + 4 * at);
  buffer.writeUInt32BE(packet.epoch >>> 0, 60);
  buffer.writeUInt32BE(packet.checksumErrors >>> 0, 64);
  // Not all zeros: what a device mends or spoils by rule is seen at changing bytes.
  for (let at = PROBE_BYTES; at < buffer.length; at += 1) buffer[at] = (at * 31 + packet.sequence) & 0xff;
  buffer.writeUInt32BE(crc32(buffer), 68);
  return buffer;
}

/** What arrived; undefined when it is no probe. `isIntact` is false when bytes differ from what was sent. */
export function decodeProbe(bytes: Buffer): { readonly packet: ProbePacket; readonly isIntact: boolean } | undefined {
  if (bytes.length < PROBE_BYTES || bytes.readUInt32BE(0) !== MAGIC || bytes.readUInt8(4) !== VERSION) return undefined;
  const type = bytes.readUInt8(5);
  const lane = NUMBERED[bytes.readUInt8(6)];
  if ((type !== 1 && type !== 2) || lane === undefined) return undefined;
  const summed = Buffer.from(bytes);
  summed.writeUInt32BE(0, 68);
  return {
    isIntact: crc32(summed) === bytes.readUInt32BE(68),
    packet: {
      is: type === 1 ? "request" : "answer",
      lane,
      wasCorrupt: (bytes.readUInt8(7) & 1) === 1,
      sequence: bytes.readUInt32BE(8),
      from: bytes.readBigUInt64BE(12),
      to: bytes.readBigUInt64BE(20),
      sentAtMs: bytes.readDoubleBE(28),
      heardAtMs: bytes.readDoubleBE(36),
      counts: [bytes.readUInt32BE(44), bytes.readUInt32BE(48), bytes.readUInt32BE(52), bytes.readUInt32BE(56)],
      epoch: bytes.readUInt32BE(60),
      checksumErrors: bytes.readUInt32BE(64),
    },
  };
}
