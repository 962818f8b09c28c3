import type { Family } from "../family.js";
import type { Fault } from "./diagnose.js";
import type { LaneView } from "./peer-view.js";

/** What small packets found on one way. */
export interface PathMeasure {
  readonly roundTripMs: number | undefined;
  /** 0 to 1; undefined when nothing was sent. */
  readonly lossRatio: number | undefined;
}

/** What a node knows of its way to a peer. */
export interface PeerHealth {
  readonly peer: string;
  readonly underlay: PathMeasure;
  readonly overlay: PathMeasure;
  /** Through the overlay by IPv6; absent: the cluster does not speak it. */
  readonly ipv6?: PathMeasure;
  /** Bytes of the largest packet of pods that passes; 0: not known. */
  readonly mtu: number;
  readonly fault: Fault | undefined;
  /** What is done about it, in a few words; empty: nothing. */
  readonly remedy: string;
  /** The control plane hears of the peer. */
  readonly isPeerReady: boolean;
}

/** What a node knows of its way to a peer by a network beside the cluster's own. */
export interface NetworkWayHealth {
  /** namespace/name. */
  readonly network: string;
  readonly peer: string;
  readonly family: Family;
  readonly measure: PathMeasure;
  readonly fault: Fault | undefined;
}

/** A name server of the host. */
export interface NameServerHealth {
  readonly address: string;
  /** What is wrong, a sentence; undefined: it answers. */
  readonly problem: string | undefined;
}

/** Told of what a node finds out. Calls are cheap and never fail. */
export interface HealthListener {
  /** These peers were looked at; those gone are not any more. Name servers are always all. */
  looked(peers: readonly PeerHealth[], gone: readonly string[], nameServers: readonly NameServerHealth[]): void;
  /** All ways by networks beside the cluster's own, as they were last looked at. */
  waysLooked(ways: readonly NetworkWayHealth[]): void;
}

/** What a lane measured. */
export function measureOf({ loss: { sent, lost }, roundTripMs }: LaneView): PathMeasure {
  return { roundTripMs, lossRatio: sent === 0 ? undefined : lost / sent };
}
