import { hasVni, ipv6SubnetOf } from "../../kinds/network.js";
import { overlaps as overlapsInText } from "../../lib/cidr-overlap.js";
import type { Network, NetworkSlice, NetworkSpec } from "../../proto/gen/tallship/v1/network.js";
import { networkDevice } from "../device-names.js";
import { contains, gatewayOf, overlaps, parseSubnet } from "../ipv4.js";
import { formatIpv6Subnet, ipv6GatewayOf, ipv6ShareOf, LONGEST_IPV6_PREFIX, parseIpv6Subnet } from "../ipv6.js";
import type { FamilyRanges } from "../node-network.js";
import type { Peer } from "../overlay/peers.js";

/** How a network's packets go between hosts: over a device of its own, through encrypted tunnels, or not at all. */
export type NetworkWay = "overlay" | "tunnel" | "none";

/** Another node's share of a network. */
export interface PeerShare {
  readonly peer: Peer;
  readonly cidr: string;
  /** No pod of the network is there now. */
  readonly isIdle: boolean;
  /** What goes with it of the network's range of IPv6; absent: the network has none. */
  readonly ipv6?: string;
}

/** What a network has of IPv6. Shares of it follow from those of IPv4. */
export interface SeenIpv6 {
  readonly subnet: string;
  readonly share: string | undefined;
}

/** A network beside the cluster's own, as one node sees it. */
export interface SeenNetwork {
  /** namespace/name. */
  readonly name: string;
  readonly way: NetworkWay;
  /** Its overlay device, where it has one. */
  readonly device: string;
  readonly vni: number;
  readonly subnet: string;
  readonly isInternal: boolean;
  /** The node's own share; undefined where no pod of it has been yet. */
  readonly share: string | undefined;
  /** No pod of it is here now. */
  readonly isIdle: boolean;
  /** Absent: its pods have addresses of IPv4 alone. */
  readonly ipv6?: SeenIpv6;
  readonly peers: readonly PeerShare[];
  /** All other nodes, where the network goes through tunnels. */
  readonly tunnelPeers: readonly Peer[];
}

/** The node's own addresses in the network, one of each family, that of IPv4 first: next hops of its pods there. None while it has no share. */
export function ownGateways({ share, ipv6 }: Pick<SeenNetwork, "share" | "ipv6">): readonly string[] {
  return [
    ...(share === undefined ? [] : [gatewayOf(share)]),
    ...(ipv6?.share === undefined ? [] : [ipv6GatewayOf(ipv6.share)]),
  ];
}

/** The node itself, and ranges that are nobody's but the cluster's. */
export interface Seer {
  readonly nodeName: string;
  readonly clusterCIDR: string;
  readonly serviceCIDR: string;
  /** The same of IPv6; undefined: the cluster has IPv4 alone. */
  readonly ipv6?: Pick<FamilyRanges, "clusterCIDR" | "serviceCIDR"> | undefined;
  /** Every network that goes between hosts does so through tunnels, whatever it says of itself. */
  readonly encrypted: boolean;
}

/**
 * The networks by name. What the kernel must not be told is left out: a network whose range is malformed or overlaps the cluster's own or that of one
 * before it, such a range of IPv6 of a network that stands, and shares that lie outside of their network or overlap each other.
 */
export function seenNetworks(networks: Iterable<Network>, peers: readonly Peer[], self: Seer): readonly SeenNetwork[] {
  const own = [self.clusterCIDR, self.serviceCIDR].flatMap((cidr) => parseSubnet(cidr) ?? []);
  const held = [...own];
  const heldIpv6 = self.ipv6 === undefined ? [] : [self.ipv6.clusterCIDR, self.ipv6.serviceCIDR];
  return [...networks]
    .map((network) => ({ name: `${network.metadata?.namespace}/${network.metadata?.name}`, network }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap(({ name, network }) => {
      const subnet = parseSubnet(network.spec?.subnet ?? "");
      if (subnet === undefined || held.some((each) => overlaps(each, subnet))) return [];
      held.push(subnet);
      const ipv6 = self.ipv6 === undefined ? undefined : soundIpv6(network.spec, heldIpv6);
      if (ipv6 !== undefined) heldIpv6.push(ipv6);
      return [withIpv6(seen(name, network, peers, self), ipv6)];
    });
}

/** The network's range of IPv6, where there is room in it for addresses and nobody else has it. */
function soundIpv6(spec: NetworkSpec | undefined, held: readonly string[]): string | undefined {
  const subnet = parseIpv6Subnet((spec && ipv6SubnetOf(spec)) ?? "");
  if (subnet === undefined || subnet.prefixLength > LONGEST_IPV6_PREFIX) return undefined;
  const cidr = formatIpv6Subnet(subnet);
  return held.some((each) => overlapsInText(each, cidr)) ? undefined : cidr;
}

function withIpv6(network: SeenNetwork, subnet: string | undefined): SeenNetwork {
  if (subnet === undefined) return network;
  const { share, peers } = network;
  return {
    ...network,
    ipv6: { subnet, share: share === undefined ? undefined : ipv6ShareOf(subnet, share) },
    peers: peers.map((each) => ({ ...each, ipv6: ipv6ShareOf(subnet, each.cidr) })),
  };
}

function seen(name: string, { spec, status }: Network, peers: readonly Peer[], self: Seer): SeenNetwork {
  const { subnet = "", internal = false, driver = "", vni = 0 } = spec ?? {};
  const encrypted = self.encrypted || spec?.encrypted === true;
  const hasDevice = hasVni({ driver, encrypted });
  const shares = sharesOf(subnet, status?.slices ?? []);
  const way = driver === "bridge" ? "none" : encrypted ? "tunnel" : "overlay";
  return {
    name,
    way,
    device: hasDevice ? networkDevice(name) : "",
    vni: hasDevice ? vni : 0,
    subnet,
    isInternal: internal,
    share: shares.get(self.nodeName)?.cidr,
    isIdle: shares.get(self.nodeName)?.idle ?? true,
    tunnelPeers: way === "tunnel" ? peers : [],
    peers: peers.flatMap((peer) => {
      const share = way === "none" ? undefined : shares.get(peer.name);
      return share === undefined ? [] : [{ peer, cidr: share.cidr, isIdle: share.idle }];
    }),
  };
}

function sharesOf(subnet: string, slices: readonly NetworkSlice[]): ReadonlyMap<string, NetworkSlice> {
  const range = parseSubnet(subnet);
  const held: NonNullable<typeof range>[] = [];
  return new Map(
    slices.flatMap((slice) => {
      const share = parseSubnet(slice.cidr);
      const isSound =
        range !== undefined &&
        share !== undefined &&
        share.prefixLength >= range.prefixLength &&
        contains(range, share.base) &&
        !held.some((each) => overlaps(each, share));
      if (!isSound) return [];
      held.push(share);
      return [[slice.nodeName, slice] as const];
    }),
  );
}
