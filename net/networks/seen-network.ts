import { hasVni } from "../../kinds/network.js";
import type { Network } from "../../proto/gen/tallship/v1/network.js";
import { networkDevice } from "../device-names.js";
import { contains, overlaps, parseSubnet } from "../ipv4.js";
import type { Peer } from "../overlay/peers.js";

/** How a network's packets go between hosts: over a device of its own, through encrypted tunnels, or not at all. */
export type NetworkWay = "overlay" | "tunnel" | "none";

/** Another node's share of a network. */
export interface PeerShare {
  readonly peer: Peer;
  readonly cidr: string;
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
  /** The node's own share; undefined while no pod of it is here. */
  readonly share: string | undefined;
  readonly peers: readonly PeerShare[];
  /** All other nodes, where the network goes through tunnels. */
  readonly tunnelPeers: readonly Peer[];
}

/** The node itself, and ranges that are nobody's but the cluster's. */
export interface Seer {
  readonly nodeName: string;
  readonly clusterCIDR: string;
  readonly serviceCIDR: string;
  /** Every network that goes between hosts does so through tunnels, whatever it says of itself. */
  readonly encrypted: boolean;
}

/**
 * The networks by name. What the kernel must not be told is left out: a network whose range is malformed or overlaps the cluster's own or that of one
 * before it, and shares that lie outside of their network or overlap each other.
 */
export function seenNetworks(networks: Iterable<Network>, peers: readonly Peer[], self: Seer): readonly SeenNetwork[] {
  const own = [self.clusterCIDR, self.serviceCIDR].flatMap((cidr) => parseSubnet(cidr) ?? []);
  const held = [...own];
  return [...networks]
    .map((network) => ({ name: `${network.metadata?.namespace}/${network.metadata?.name}`, network }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap(({ name, network }) => {
      const subnet = parseSubnet(network.spec?.subnet ?? "");
      if (subnet === undefined || held.some((each) => overlaps(each, subnet))) return [];
      held.push(subnet);
      return [seen(name, network, peers, self)];
    });
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
    share: shares.get(self.nodeName),
    tunnelPeers: way === "tunnel" ? peers : [],
    peers: peers.flatMap((peer) => {
      const cidr = way === "none" ? undefined : shares.get(peer.name);
      return cidr === undefined ? [] : [{ peer, cidr }];
    }),
  };
}

function sharesOf(
  subnet: string,
  slices: readonly { readonly nodeName: string; readonly cidr: string }[],
): ReadonlyMap<string, string> {
  const range = parseSubnet(subnet);
  const held: NonNullable<typeof range>[] = [];
  return new Map(
    slices.flatMap(({ nodeName, cidr }) => {
      const share = parseSubnet(cidr);
      const isSound =
        range !== undefined &&
        share !== undefined &&
        share.prefixLength >= range.prefixLength &&
        contains(range, share.base) &&
        !held.some((each) => overlaps(each, share));
      if (!isSound) return [];
      held.push(share);
      return [[nodeName, cidr] as const];
    }),
  );
}
