import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { NETWORK_DEVICE_PREFIX, TUNNEL_DEVICE_PREFIX } from "../device-names.js";
import { gatewayOf } from "../ipv4.js";
import type { SeenNetwork } from "../networks/seen-network.js";

/** A way to a peer by a network beside the cluster's own, of which both nodes have pods. */
export interface NetworkWay {
  /** namespace/name. */
  readonly network: string;
  readonly peer: string;
  /** This node's gateway in the network, and the peer's. */
  readonly ours: string;
  readonly theirs: string;
  /** At which the peer answers. */
  readonly port: number;
  /** What the kernel sends the network's packets by: its own device, or one of the tunnels, whose names begin so. */
  readonly device: string;
}

/** One string for a way. */
export function wayKey({ network, peer }: Pick<NetworkWay, "network" | "peer">): string {
  return `${network} ${peer}`;
}

/**
 * The ways on which a node probes networks beside the cluster's own, in order of network and peer: only where it has pods itself, and only peers that
 * have some too and answer on such networks.
 */
export function networkWays(networks: readonly SeenNetwork[], nodes: ReadonlyMap<string, Node>): readonly NetworkWay[] {
  return networks.flatMap(({ name, way, share, isIdle, device, peers }) => {
    if (share === undefined || isIdle || way === "none") return [];
    const by = way === "tunnel" ? TUNNEL_DEVICE_PREFIX : device;
    return peers.flatMap(({ peer, cidr, isIdle: isPeerIdle }): readonly NetworkWay[] => {
      const overlay = nodes.get(peer.name)?.status?.overlay;
      if (isPeerIdle || overlay === undefined || overlay.probePort === 0 || !overlay.answersOnNetworks) return [];
      const { probePort: port } = overlay;
      return [{ network: name, peer: peer.name, ours: gatewayOf(share), theirs: gatewayOf(cidr), port, device: by }];
    });
  });
}

/** Whether a device is what a network's packets leave by. */
export function isWayOf({ device: wanted }: NetworkWay, device: string): boolean {
  return wanted.startsWith(NETWORK_DEVICE_PREFIX) ? device === wanted : device.startsWith(wanted);
}
