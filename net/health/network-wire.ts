import type { ProbeEnd } from "./probe-wire.js";

/** Takes a packet that came to one of the node's addresses. Must not fail. */
export type NetworkReceiver = (at: string, bytes: Buffer, from: ProbeEnd) => void;

/** Edge: sockets for probes on networks beside the cluster's own, which come and go. Real: UDP. Simulated: a queue with faults. */
export interface NetworkWire {
  /** Listens at exactly these addresses from now on. One that cannot be had is tried again with the next call. */
  listen(addresses: readonly string[], port: number, receive: NetworkReceiver): void;
  /** Sends a packet from one of them; one that cannot be sent is lost. */
  send(from: string, to: ProbeEnd, bytes: Buffer): void;
  close(): void;
}
