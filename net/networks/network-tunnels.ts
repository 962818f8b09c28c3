import type { Clock } from "../../lib/clock.js";
import { tunnelAddressOf } from "../ipv4.js";
import type { Kernel } from "../kernel/kernel.js";
import { VXLAN_OVERHEAD_BYTES } from "../overlay/overlay-plan.js";
import type { PublishedKey, TunnelKeys } from "../tunnels/tunnel-keys.js";
import { type TunnelPeer, TunnelSync } from "../tunnels/tunnel-sync.js";
import type { SeenNetwork } from "./seen-network.js";

/** Bytes that WireGuard over IPv4 adds to a packet: its header and tag 32, UDP 8, IPv4 20. There is no VXLAN in it. */
const TUNNEL_OVERHEAD_BYTES = 60;

/** MTU of a network's links, from that of the cluster's own. */
export function mtuOf({ way }: SeenNetwork, podMtu: number): number {
  return way === "tunnel" ? podMtu + VXLAN_OVERHEAD_BYTES - TUNNEL_OVERHEAD_BYTES : podMtu;
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/** The tunnels that encrypted networks need; none while there is no such network. */
export class NetworkTunnels {
  private readonly sync: TunnelSync;
  private readonly listeners: ((keys: readonly PublishedKey[]) => void)[] = [];
  private networks: readonly SeenNetwork[] = [];
  private hasEnded = false;

  constructor(
    { nodeName }: { readonly nodeName: string },
    parts: { readonly kernel: Kernel; readonly clock: Clock; readonly keys: TunnelKeys | undefined },
  ) {
    const onPublished = (keys: readonly PublishedKey[]): void => {
      for (const listener of this.listeners) listener(keys);
    };
    this.sync = new TunnelSync({ ...parts, nodeName, onPublished });
  }

  /** Why there are no tunnels; undefined while there are. */
  get problem(): string | undefined {
    return this.sync.problem;
  }

  /** True while some network is encrypted. */
  get isWanted(): boolean {
    return this.networks.length > 0;
  }

  /** Calls with what others must know of the node's keys, when it changes. */
  onPublished(listener: (keys: readonly PublishedKey[]) => void): void {
    this.listeners.push(listener);
  }

  /** Makes, changes or ends tunnels as these networks need them; by name of a node, the device of the tunnel to it. */
  async bring(networks: readonly SeenNetwork[], podMtu: number): Promise<ReadonlyMap<string, string>> {
    this.networks = networks.filter(({ way }) => way === "tunnel");
    const [first] = this.networks;
    if (first === undefined) {
      if (!this.hasEnded) await this.sync.end();
      this.hasEnded = true;
      return NOTHING;
    }
    this.hasEnded = false;
    return this.sync.bring(peersOf(this.networks), mtuOf(first, podMtu));
  }
}

/** All other nodes, with what belongs to each: its shares of encrypted networks, and its own address at its end. */
function peersOf(networks: readonly SeenNetwork[]): readonly TunnelPeer[] {
  return (networks[0]?.tunnelPeers ?? []).map(({ name, podCIDR, underlayIp, keys = [] }) => {
    const shares = networks.flatMap(({ peers }) => peers.filter(({ peer }) => peer.name === name));
    const allowed = [`${tunnelAddressOf(podCIDR)}/32`, ...shares.map(({ cidr }) => cidr)];
    return { name, underlayIp, keys, allowed };
  });
}
