import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { NETWORK_DEVICE_PREFIX, TUNNEL_DEVICE_PREFIX } from "../device-names.js";
import type { Family } from "../family.js";
import { gatewayOf } from "../ipv4.js";
import { ipv6GatewayOf } from "../ipv6.js";
import type { SeenNetwork } from "../networks/seen-network.js";

/** A way to a peer by a network beside the cluster's own, of which both nodes have pods. */
export interface NetworkWay {
  /** namespace/name. */
  readonly network: string;
  readonly peer: string;
  readonly family: Family;
  /** This node's gateway in the network, and the peer's. */
  readonly ours: string;
  readonly theirs: string;
  /** At which the peer answers. */
  readonly port: number;
  /** What the kernel sends the network's packets by: its own device, or one of the tunnels, whose names begin so. */
  readonly device: string;
}

/** One string for a way. */
export function wayKey({ network, peer, family }: Pick<NetworkWay, "network" | "peer" | "family">): string {
  return `${network} ${peer} ${family}`;
}

/**
 * The ways on which a node probes networks beside the cluster's own, in order of network and peer, by IPv4 and, where a network has it, by IPv6: only where it has
 * pods itself, and only peers that have some too and answer on such networks.
 */
export function networkWays(networks: readonly SeenNetwork[], nodes: ReadonlyMap<string, Node>): readonly NetworkWay[] {
  return networks.flatMap(({ name, way, share, ipv6: own, isIdle, device, peers }) => {
    if (share === undefined || isIdle || way === "none") return [];
    const by = way === "tunnel" ? TUNNEL_DEVICE_PREFIX : device;
    return peers.flatMap(({ peer, cidr, ipv6, isIdle: isPeerIdle }): readonly NetworkWay[] => {
      const overlay = nodes.get(peer.name)?.status?.overlay;
      if (isPeerIdle || overlay === undefined || overlay.probePort === 0 || !overlay.answersOnNetworks) return [];
      const base = { network: name, peer: peer.name, port: overlay.probePort, device: by };
      const ipv4 = { ...base, family: "IPv4" as const, ours: gatewayOf(share), theirs: gatewayOf(cidr) };
      if (own?.share === undefined || ipv6 === undefined || !overlay.answersOnNetworksIPv6) return [ipv4];
      return [ipv4, { ...base, family: "IPv6", ours: ipv6GatewayOf(own.share), theirs: ipv6GatewayOf(ipv6) }];
    });
  });
}

/** Whether a device is what a network's packets leave by. */
export function isWayOf({ device: wanted }: NetworkWay, device: string): boolean {
  return wanted.startsWith(NETWORK_DEVICE_PREFIX) ? device === wanted : device.startsWith(wanted);
}
