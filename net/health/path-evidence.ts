import type { Evidence, RouteFound } from "./peer-view.js";

/** A peer's addresses on all ways. */
export interface PeerAddresses {
  readonly underlay: string;
  readonly overlay: string;
  /** Its pods' gateway of IPv6; absent: it has none. */
  readonly ipv6?: string | undefined;
}

/** Edge: what the kernel says of ways to peers. */
export interface PathEvidence {
  /** Where packets to these peers would go, in their order. What is not known is left out. */
  routes(peers: readonly PeerAddresses[], source: PeerAddresses): Promise<readonly Evidence["routes"][]>;
  /** By what a packet from one of the node's addresses to another would leave; undefined: there is no route. */
  route(to: string, from: string): Promise<RouteFound | undefined>;
  /** Whether a ping passes through the overlay. */
  ping(peer: PeerAddresses, source: PeerAddresses): Promise<"passed" | "silent">;
  /** Packets whose checksum this host's kernel found wrong since it booted. */
  checksumErrors(): number;
  /** Prefix length of the network that the address has on its device; 32 when it is not known. */
  prefixLength(address: string): number;
  /** Asks a name server for the root; what was wrong, or undefined when it answered. */
  askNameServer(server: string): Promise<string | undefined>;
  /** The host's name servers. */
  nameServers(): readonly string[];
}
