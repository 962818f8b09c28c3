import type { PeerAddresses } from "./path-evidence.js";
import type { TcpOutcome } from "./peer-view.js";
import type { Path, Way } from "./probe-packet.js";

/** An address and a port. */
export interface ProbeEnd {
  readonly address: string;
  readonly port: number;
}

/** Takes what arrives. Must not fail. */
export interface ProbeReceiver {
  /** A packet from whomever. */
  packet(way: Way, bytes: Buffer, from: ProbeEnd): void;
  /** Whether somebody may open a connection at all. */
  mayConnect(path: Path, address: string): boolean;
  /** The request of a connection; the answer, or undefined to close it without one. */
  request(path: Path, bytes: Buffer, address: string): Buffer | undefined;
}

/** Edge: the sockets of probes, one pair per path, and of IPv6 for packets alone. Real: UDP and TCP. Simulated: a queue with faults. */
export interface ProbeWire {
  /** Listens at all addresses, at one port. Throws unavailable when it cannot; again is no error. */
  open(addresses: PeerAddresses, port: number, receiver: ProbeReceiver): Promise<void>;
  /** Sends a packet; one that cannot be sent is lost. */
  send(way: Way, to: ProbeEnd, bytes: Buffer): void;
  /** Opens a connection, sends the bytes, and takes the answer, all within limits.probeTcpMs. Never fails: tells how it went. */
  connect(path: Path, to: ProbeEnd, bytes: Buffer): Promise<{ readonly outcome: TcpOutcome; readonly answer?: Buffer }>;
  /** Opens a connection and ends it at once. Never fails: tells how it went, as far as a connection without bytes can. */
  knock(path: Path, to: ProbeEnd): Promise<TcpOutcome>;
  close(): void;
}
