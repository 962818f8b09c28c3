import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { PeerRecord } from "./peer-record.js";
import {
  decodeProbe,
  encodeProbe,
  isCounted,
  LANES,
  type LaneCounts,
  PROBE_BYTES,
  type ProbePacket,
  type Way,
} from "./probe-packet.js";
import type { ProbeEnd } from "./probe-wire.js";

/** What the echo needs. */
export interface EchoParts {
  readonly clock: Clock;
  readonly id: bigint;
  /** Names this start of the agent. */
  readonly epoch: number;
  /** Packets whose checksum the kernel found wrong; may be some seconds old. */
  readonly checksumErrors: () => number;
}

/**
 * Answers peers' requests. Only peers are answered, at their own addresses and, over UDP, their own port, so many times a second at most; and with PROBE_BYTES,
 * of which a request has no fewer: nobody can have this host send somebody more than he sent himself.
 */
export class ProbeEcho {
  private readonly parts: EchoParts;

  constructor(parts: EchoParts) {
    this.parts = parts;
  }

  /** The answer to a request of this peer's; undefined when none is due. */
  answer(record: PeerRecord, way: Way | "network", bytes: Buffer): Buffer | undefined {
    const arrived = decodeProbe(bytes);
    if (arrived === undefined || arrived.packet.is !== "request") return undefined;
    const { packet, isIntact } = arrived;
    if (packet.from !== record.id || !this.mayAnswer(record)) return undefined;
    const { clock, id, epoch } = this.parts;
    if (way === "underlay" || way === "overlay") record.ledger.heard(way, clock.monotonicMs());
    record.heard = counted(record.heard, packet);
    return encodeProbe({
      is: "answer",
      lane: packet.lane,
      wasCorrupt: !isIntact,
      sequence: packet.sequence,
      from: packet.from,
      // Whoever was meant: the asker sees who answers.
      to: id,
      sentAtMs: packet.sentAtMs,
      heardAtMs: clock.nowMs(),
      counts: record.heard,
      epoch,
      checksumErrors: this.parts.checksumErrors(),
    });
  }

  private mayAnswer(record: PeerRecord): boolean {
    const secondMs = Math.floor(this.parts.clock.monotonicMs() / 1_000);
    if (record.answers.secondMs !== secondMs) record.answers = { secondMs, count: 0 };
    record.answers.count += 1;
    return record.answers.count <= limit("probeAnswersPerSecond");
  }
}

/** Whether a packet comes from where the peer sends its own from. */
export function isFromPeer({ peer }: PeerRecord, way: Way, from: ProbeEnd): boolean {
  return peer.addresses[way] === from.address && peer.port === from.port;
}

/** A request without padding is large enough for its answer. */
export const isAnswerable = (bytes: Buffer): boolean => bytes.length >= PROBE_BYTES;

function counted(counts: LaneCounts, { lane }: ProbePacket): LaneCounts {
  const [one, two, three, four] = counts;
  const at = isCounted(lane) ? LANES.indexOf(lane) : -1;
  const add = (index: number): number => (index === at ? 1 : 0);
  return [(one + add(0)) >>> 0, (two + add(1)) >>> 0, (three + add(2)) >>> 0, (four + add(3)) >>> 0];
}
