import type { Family } from "../family.js";
import type { PodWay } from "../health/peer-view.js";
import { LEAST_IPV6_MTU } from "../ipv6.js";

/**
 * Bytes that what pods' packets go to a peer by adds to each. VXLAN over IPv4: inner Ethernet 14, VXLAN 8, UDP 8, IPv4 20. WireGuard over IPv4: its header and tag 32,
 * UDP 8, IPv4 20; there is no VXLAN in it.
 */
export const OVERHEAD_BYTES: Readonly<Record<PodWay, number>> = { link: 0, overlay: 50, tunnel: 60 };

/** WireGuard fills packets up to a multiple of so many bytes. */
const FILLED_BYTES = 16;

/** Bytes of the largest packet that passes by a way where IP packets of so many pass between the hosts. */
export function bytesWithin(way: PodWay, pathMtu: number): number {
  const inner = pathMtu - OVERHEAD_BYTES[way];
  return way === "tunnel" ? inner - (inner % FILLED_BYTES) : inner;
}

/** Bytes of the IP packet between the hosts that a packet of so many becomes by a way. */
export function bytesAround(way: PodWay, bytes: number): number {
  const filled = way === "tunnel" ? Math.ceil(bytes / FILLED_BYTES) * FILLED_BYTES : bytes;
  return filled + OVERHEAD_BYTES[way];
}

/** How large IP packets between hosts may be. */
export interface HostPaths {
  /** MTU of the device that carries them. */
  readonly underlayMtu: number;
  /** What passes on the way to a peer's host where that is less, by the peer's gateway. */
  readonly pathMtus: ReadonlyMap<string, number>;
}

/** A route that leads to a peer. */
export interface LeadingRoute {
  /** The peer's, of IPv4. */
  readonly gateway: string;
  /** What its packets go by. */
  readonly way: PodWay;
  /** Of its packets. */
  readonly family: Family;
}

/**
 * What a route has to say of its packets' size, so that the kernel tells those who send larger ones; nothing, where the device that it leaves by takes no more than passes. By IPv6 never less
 * than every link must take, since nobody can be told to send less.
 */
export function routeMtu(
  { underlayMtu, pathMtus }: HostPaths,
  { gateway, way, family }: LeadingRoute,
): { readonly mtu?: number } {
  const pathMtu = pathMtus.get(gateway);
  if (pathMtu === undefined || pathMtu >= underlayMtu) return {};
  const fits = bytesWithin(way, pathMtu);
  const mtu = family === "IPv6" ? Math.max(fits, LEAST_IPV6_MTU) : fits;
  return mtu < underlayMtu - OVERHEAD_BYTES[way] ? { mtu } : {};
}
