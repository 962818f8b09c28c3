import { OVERLAY_DEVICE } from "../device-names.js";
import { familyOf, hostPrefix } from "../family.js";
import { tunnelAddressOf } from "../ipv4.js";
import { ipv6TunnelAddressOf } from "../ipv6.js";
import type { Entry } from "../kernel/entries.js";
import type { NodeNetworkConfig } from "../node-network.js";
import type { Peer } from "../overlay/peers.js";
import { type HostPaths, routeMtu } from "../overlay/route-mtu.js";
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
  /** What passes between hosts. */
  readonly paths: HostPaths;
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
  { tunnels, paths }: Pick<TunnelGround, "tunnels" | "paths">,
): readonly Entry[] {
  const device = tunnels.get(peer.name);
  if (device === undefined) return [];
  return subnets.flatMap((subnet): readonly Entry[] => {
    const family = familyOf(subnet);
    const source = own.find((ip) => familyOf(ip) === family);
    if (source === undefined) return [];
    const mtu = routeMtu(paths, { gateway: peer.gateway, way: "tunnel", family });
    return [{ table: "route", device, subnet, via: "", source, ...mtu }];
  });
}
