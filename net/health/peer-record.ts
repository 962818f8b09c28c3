import type { ProbedPeer } from "./health-peers.js";
import { NO_FAULT, type Verdict } from "./named-fault.js";
import { PeerLedger } from "./peer-ledger.js";
import type { PeerView } from "./peer-view.js";
import { type LaneCounts, nodeIdOf } from "./probe-packet.js";

/** Everything that a node keeps of one peer. */
export interface PeerRecord {
  peer: ProbedPeer;
  readonly id: bigint;
  readonly ledger: PeerLedger;
  verdict: Verdict;
  /** The latest look. */
  view: PeerView | undefined;
  /** What has arrived of the peer's requests, told it with each answer. */
  heard: LaneCounts;
  /** The peer is looked at closely until then. */
  closerUntilMs: number;
  /** Probes that were sent since the last look. */
  isProbed: boolean;
  tcpAtMs: number;
  isConnecting: boolean;
  /** When sizes were last tried. */
  sizesAtMs: number;
  /** Answers given in the present second. */
  answers: { secondMs: number; count: number };
  /** Lost packets at the last look. */
  missing: number;
}

/** The record of a peer of which nothing is known. */
export function newRecord(peer: ProbedPeer, firstSequence: number): PeerRecord {
  return {
    peer,
    id: nodeIdOf(peer.name),
    ledger: new PeerLedger(firstSequence),
    verdict: NO_FAULT,
    view: undefined,
    heard: [0, 0, 0, 0],
    closerUntilMs: -Infinity,
    isProbed: false,
    tcpAtMs: -Infinity,
    isConnecting: false,
    sizesAtMs: -Infinity,
    answers: { secondMs: 0, count: 0 },
    missing: 0,
  };
}
