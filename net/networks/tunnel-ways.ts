import { OVERLAY_DEVICE } from "../device-names.js";
import { familyOf, hostPrefix } from "../family.js";
import { tunnelAddressOf } from "../ipv4.js";
import { ipv6TunnelAddressOf, LEAST_IPV6_MTU } from "../ipv6.js";
import type { Entry } from "../kernel/entries.js";
import type { NodeNetworkConfig } from "../node-network.js";
import { overheadOf, TUNNEL_OVERHEAD_BYTES } from "../overlay/overlay-plan.js";
import type { Peer } from "../overlay/peers.js";
import { ownGateways, type SeenNetwork } from "./seen-network.js";

/** Whose end of the tunnels: the subnets of a node's pods. */
interface TunnelHolder {
  readonly podCIDR: string;
  readonly ipv6?: { readonly podCIDR: string } | undefined;
}

/** A node's own addresses at its end of encrypted tunnels, one of each of its families, that of IPv4 first. */
export function tunnelEndsOf({ podCIDR, ipv6 }: TunnelHolder): readonly string[] {
  return [tunnelAddressOf(podCIDR), ...(ipv6 === undefined ? [] : [ipv6TunnelAddressOf(ipv6.podCIDR)])];
}

/** What routes by tunnels follow from beside networks. */
export interface TunnelGround {
  readonly config: NodeNetworkConfig;
  /** By name of a node: the device of the tunnel to it. */
  readonly tunnels: ReadonlyMap<string, string>;
  /** What pods' packets may be on the cluster's own network on the way to a peer, where that is less than elsewhere, by the peer's gateway. */
  readonly routeMtus: ReadonlyMap<string, number>;
}

/** Shares of others by the tunnels to them. There is no other way: without a tunnel the refusal takes the packets. */
export function tunnelWay(network: SeenNetwork, ground: TunnelGround): readonly Entry[] {
  const own = network.share === undefined ? tunnelEndsOf(ground.config) : ownGateways(network);
  return network.peers.flatMap(({ peer, cidr, ipv6 }) =>
    routesBy(peer, { subnets: [cidr, ...(ipv6 === undefined ? [] : [ipv6])], own }, ground),
  );
}

/** Hosts' own addresses at the ends of tunnels: a host without pods of a network speaks from there. */
export function tunnelEnds(networks: readonly SeenNetwork[], ground: TunnelGround): readonly Entry[] {
  if (ground.tunnels.size === 0) return [];
  const own = tunnelEndsOf(ground.config);
  const peers = new Map(networks.flatMap(({ tunnelPeers }) => tunnelPeers.map((peer) => [peer.name, peer] as const)));
  return [
    ...own.map((ip): Entry => ({ table: "address", device: OVERLAY_DEVICE, ip, scope: "host" })),
    ...[...peers.values()].flatMap((peer) =>
      routesBy(peer, { subnets: tunnelEndsOf(peer).map(hostPrefix), own }, ground),
    ),
  ];
}

/** Routes by the tunnel to a peer, each with the source of its family; none while there is no tunnel. */
function routesBy(
  peer: Peer,
  { subnets, own }: { readonly subnets: readonly string[]; readonly own: readonly string[] },
  { config, tunnels, routeMtus }: TunnelGround,
): readonly Entry[] {
  const device = tunnels.get(peer.name);
  if (device === undefined) return [];
  const narrow = routeMtus.get(peer.gateway);
  const fits = narrow === undefined ? undefined : narrowed(narrow, config);
  return subnets.flatMap((subnet): readonly Entry[] => {
    const source = own.find((ip) => familyOf(ip) === familyOf(subnet));
    if (source === undefined) return [];
    const mtu = fits !== undefined && familyOf(subnet) === "IPv6" ? Math.max(fits, LEAST_IPV6_MTU) : fits;
    return [{ table: "route", device, subnet, via: "", source, ...(mtu !== undefined && { mtu }) }];
  });
}

/** WireGuard fills packets up to a multiple of so many bytes. */
const FILLED_BYTES = 16;

/**
 * What passes a tunnel where so much passes the cluster's own way to the same host: by VXLAN, over the link as it is, or, where the cluster is encrypted as a
 * whole, by the same tunnel. Peers behind a router, whom direct routing does not reach, may have a little more.
 */
function narrowed(mtu: number, config: NodeNetworkConfig): number {
  if (config.encrypted) return mtu;
  const passing = mtu + (config.directRouting ? 0 : overheadOf(config));
  const fits = passing - TUNNEL_OVERHEAD_BYTES;
  return fits - (fits % FILLED_BYTES);
}
