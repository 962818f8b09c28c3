import type { Lane, Path, Way } from "./probe-packet.js";

/** How a connection for a probe ended: its bytes came back told as whole, nobody listens, no answer at all, or none to its bytes. */
export type TcpOutcome = "passed" | "refused" | "silent" | "stalled";

/** How many were sent, and of these how many were lost. */
export interface LossCount {
  readonly sent: number;
  readonly lost: number;
}

/** What the probes of one lane have found over the last minute. */
export interface LaneView {
  /** Probes that were answered, or are overdue. */
  readonly settled: number;
  readonly answered: number;
  /** Probes that are so old that their answers are not just late, and those of them that were never answered. */
  readonly loss: LossCount;
  /** Of those the ones since the last time that nothing passed at all: what an interruption took is no share of loss. */
  readonly lossSince: LossCount;
  /** Answered, but the packet did not arrive there as it was sent, or its answer did not here. */
  readonly spoiledThere: number;
  readonly spoiledBack: number;
  /** The latest in a row that were not answered, whenever they were sent, and the time from the first of them to the last, milliseconds. */
  readonly silentCount: number;
  readonly silentMs: number;
  /** Least time there and back, milliseconds; undefined when nothing was answered. */
  readonly roundTripMs: number | undefined;
  /** Of the packets that the peer's own counts tell of, or while nothing comes back of those since then: sent, lost before it, lost on the way back. */
  readonly counted: { readonly sent: number; readonly lostThere: number; readonly lostBack: number } | undefined;
}

/** Where the kernel would send a packet. */
export interface RouteFound {
  readonly device: string;
  /** Next hop; empty when the destination is on the link. */
  readonly via: string;
}

/** What the kernel and ping say; asked when a peer is silent, and of routes now and then. */
export interface Evidence {
  readonly routes: Readonly<Partial<Record<Way, RouteFound>>>;
  /** Whether ICMP passes through the overlay; undefined when it was not tried. */
  readonly ping: "passed" | "silent" | undefined;
}

/** What pods' packets go to a peer by: the overlay's device, encrypted tunnels, or the link itself where the peer is on it. */
export type PodWay = "overlay" | "tunnel" | "link";

/** What pods' packets go to a peer by: where hosts of one link need no tunnel, one behind a router is reached through the overlay. */
export function wayTo({ way, isOnLink }: Pick<PeerView, "way" | "isOnLink">): PodWay {
  return way === "link" && !isOnLink ? "overlay" : way;
}

/** Everything that is known of the way to one peer, as of one moment. */
export interface PeerView {
  readonly peer: string;
  readonly lanes: Readonly<Record<Lane, LaneView>>;
  /** Of small packets of IPv6 through the overlay; nothing was sent where the cluster does not speak it. */
  readonly ipv6: LaneView;
  /** Latest connections of the last two sweeps, latest last. */
  readonly tcp: Readonly<Record<Path, readonly TcpOutcome[]>>;
  /** Of these the ones since the last time that small packets or full ones did not pass: those before went wrong for that. */
  readonly tcpSince: Readonly<Record<Path, readonly TcpOutcome[]>>;
  /** The peer's own requests arrived within the last rounds, and, where it is silent, since then. */
  readonly hears: Readonly<Record<Path, boolean>>;
  /** Another node than the peer answered. */
  readonly strangers: number;
  /** By how much the peer's clock is ahead, milliseconds, and how wrong that may be. */
  readonly clock: { readonly aheadMs: number; readonly errorMs: number } | undefined;
  /** The peer's kernel found packets with a wrong checksum meanwhile. */
  readonly checksumErrors: number;
  /** Bytes of the largest IP packet that passed lately, of those that looked for it; undefined when none looked. */
  readonly passing: Readonly<Record<Path, number | undefined>>;
  readonly evidence: Evidence | undefined;
  /** The peer's address is in this host's own network on that link. */
  readonly isOnLink: boolean;
  /** What this cluster's pods' packets go by. */
  readonly way: PodWay;
  /** Bytes of the full probes' IP packets. */
  readonly fullBytes: Readonly<Record<Path, number>>;
}
