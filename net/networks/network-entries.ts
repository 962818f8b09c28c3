import { OVERLAY_DEVICE, vtepMac } from "../device-names.js";
import type { Family } from "../family.js";
import { gatewayOf } from "../ipv4.js";
import { ipv6GatewayOf, ipv6Hop } from "../ipv6.js";
import type { Entry, RouteEntry } from "../kernel/entries.js";
import type { NodeNetworkConfig } from "../node-network.js";
import { overheadOf } from "../overlay/overlay-plan.js";
import type { Peer } from "../overlay/peers.js";
import { type HostPaths, routeMtu } from "../overlay/route-mtu.js";
import { ownGateways, type SeenNetwork } from "./seen-network.js";
import { type TunnelGround, tunnelEnds, tunnelWay } from "./tunnel-ways.js";

/**
 * What the kernel must hold for networks beside the cluster's own. A node that has pods of a network has a device for it, and there the same three
 * entries per peer as in the cluster's own overlay; one that has none reaches the shares of others by the cluster's own overlay, for the node
 * ports of services that lead there. Whatever no route takes is refused: nothing of a network's leaves by the underlay.
 */
export function networkEntries(
  config: NodeNetworkConfig,
  { networks, tunnels }: Surroundings,
  paths: HostPaths,
): readonly Entry[] {
  const ground: TunnelGround = { config, tunnels, paths };
  return [
    ...networks.flatMap((network) => [
      ...shareEntries(network),
      ...(network.way === "overlay" ? overlayWay(config, network, paths) : []),
      ...(network.way === "tunnel" ? tunnelWay(network, ground) : []),
      { table: "refusal" as const, subnet: network.subnet },
      ...(network.ipv6 === undefined ? [] : [{ table: "refusal" as const, subnet: network.ipv6.subnet }]),
    ]),
    ...tunnelEnds(networks, ground),
  ];
}

/** What there is beside the cluster's own network. */
export interface Surroundings {
  readonly networks: readonly SeenNetwork[];
  /** By name of a node: the device of the tunnel to it. */
  readonly tunnels: ReadonlyMap<string, string>;
}

/** Next hop of the network's pods here. On the cluster's own device: it is the node's, whatever becomes of the network's device. */
function shareEntries(network: SeenNetwork): readonly Entry[] {
  return ownGateways(network).map((ip) => ({ table: "address", device: OVERLAY_DEVICE, ip, scope: "host" }));
}

function overlayWay(config: NodeNetworkConfig, network: SeenNetwork, paths: HostPaths): readonly Entry[] {
  const { device, vni, share, peers } = network;
  const mtu = ({ gateway }: Peer, family: Family) => routeMtu(paths, { gateway, way: "overlay", family });
  if (share === undefined) {
    const source = gatewayOf(config.podCIDR);
    const ipv6Source = config.ipv6 && ipv6GatewayOf(config.ipv6.podCIDR);
    return peers.flatMap(({ peer, cidr, ipv6 }): readonly Entry[] => {
      const way = { table: "route" as const, device: OVERLAY_DEVICE };
      const isLed = ipv6 !== undefined && peer.ipv6 !== undefined && ipv6Source !== undefined;
      const six = { ...way, via: ipv6Hop(peer.gateway), ...mtu(peer, "IPv6") };
      return [
        { ...way, subnet: cidr, via: peer.gateway, source, ...mtu(peer, "IPv4") },
        ...(isLed ? [{ ...six, subnet: ipv6, source: ipv6Source }] : []),
      ];
    });
  }
  const source = gatewayOf(share);
  const ipv6Source = network.ipv6?.share && ipv6GatewayOf(network.ipv6.share);
  return [
    {
      table: "device",
      device,
      vni,
      port: config.vxlanPort,
      underlayIp: config.underlayIP,
      mac: vtepMac(config.nodeName),
      mtu: paths.underlayMtu - overheadOf(config),
    },
    ...peers.flatMap(({ peer, cidr, ipv6 }): readonly Entry[] => {
      const gateway = gatewayOf(cidr);
      const isLed = ipv6 !== undefined && ipv6Source !== undefined;
      return [
        { table: "neigh", device, ip: gateway, mac: peer.vtepMac },
        { table: "fdb", device, mac: peer.vtepMac, underlayIp: peer.underlayIp },
        { table: "route", device, subnet: cidr, via: gateway, source, ...mtu(peer, "IPv4") },
        ...(isLed ? ipv6Way(peer, gateway, { device, subnet: ipv6, source: ipv6Source, ...mtu(peer, "IPv6") }) : []),
      ];
    }),
  ];
}

/** A peer's share of IPv6, by the forwarding entry that its share of IPv4 has. */
function ipv6Way({ vtepMac: mac }: Peer, gateway: string, route: Omit<RouteEntry, "table" | "via">): readonly Entry[] {
  const via = ipv6Hop(gateway);
  return [
    { table: "neigh", device: route.device, ip: via, mac },
    { table: "route", ...route, via },
  ];
}
