import type { Clock } from "../../lib/clock.js";
import type { PeerRecord } from "./peer-record.js";
import {
  encodeProbe,
  type Path,
  PROBE_BYTES,
  PROBE_HEADERS_BYTES,
  type ProbeLane,
  type ProbePacket,
  type Way,
} from "./probe-packet.js";
import { type ProbeRound, sizesBelow } from "./probe-plan.js";
import type { ProbeWire } from "./probe-wire.js";

/** What sending needs. */
export interface ProbeSenderParts {
  readonly clock: Clock;
  readonly wire: ProbeWire;
  /** The node's number in packets. */
  readonly id: bigint;
  /** Bytes of the largest IP packet on each path. */
  readonly fullBytes: Readonly<Record<Path, number>>;
}

/** Sends probes to peers, each noted in the peer's ledger. */
export class ProbeSender {
  private readonly parts: ProbeSenderParts;

  constructor(parts: ProbeSenderParts) {
    this.parts = parts;
  }

  /** All packets of a round, but those on ways that the peer is not on. */
  round(record: PeerRecord, round: ProbeRound): void {
    record.isProbed = true;
    const { fullBytes } = this.parts;
    for (const [at, [lane, way]] of round.entries()) {
      const bytes = way !== "ipv6" && lane.endsWith("full") ? fullBytes[way] : PROBE_BYTES + PROBE_HEADERS_BYTES;
      this.send(record, { lane, way, bytes, isFirst: at === 0 });
    }
  }

  /** Packets of all sizes below the full one, on both paths. */
  sizes(record: PeerRecord): void {
    for (const way of ["underlay", "overlay"] as const)
      for (const bytes of sizesBelow(this.parts.fullBytes[way])) this.send(record, { lane: "sized", way, bytes });
  }

  /** A request's bytes. */
  request(record: PeerRecord, lane: ProbeLane, size: { readonly sequence: number; readonly bytes: number }): Buffer {
    const { id: from, clock } = this.parts;
    return requestBytes({ from, to: record.id, sentAtMs: clock.nowMs() }, lane, size);
  }

  private send(
    record: PeerRecord,
    probe: { readonly lane: ProbeLane; readonly way: Way; readonly bytes: number; readonly isFirst?: boolean },
  ): void {
    const { clock, wire } = this.parts;
    const address = record.peer.addresses[probe.way];
    if (address === undefined) return;
    const sequence = record.ledger.send(probe, clock.monotonicMs());
    const bytes = this.request(record, probe.lane, { sequence, bytes: probe.bytes - PROBE_HEADERS_BYTES });
    wire.send(probe.way, { address, port: record.peer.port }, bytes);
  }
}

/** A request as it is sent: of the node `from` to the node `to`. */
export function requestBytes(
  ends: Pick<ProbePacket, "from" | "to" | "sentAtMs">,
  lane: ProbeLane,
  { sequence, bytes }: { readonly sequence: number; readonly bytes: number },
): Buffer {
  return encodeProbe(
    {
      is: "request",
      wasCorrupt: false,
      heardAtMs: 0,
      counts: [0, 0, 0, 0],
      epoch: 0,
      checksumErrors: 0,
      ...{ ...ends, lane, sequence },
    },
    bytes,
  );
}
