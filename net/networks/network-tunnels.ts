import { hostPrefix } from "../family.js";
import { overheadOf } from "../overlay/overlay-plan.js";
import type { Peer } from "../overlay/peers.js";
import { OVERHEAD_BYTES } from "../overlay/route-mtu.js";
import { type TunnelParts, type TunnelPeer, TunnelSync } from "../tunnels/tunnel-sync.js";
import type { SeenNetwork } from "./seen-network.js";
import { tunnelEndsOf } from "./tunnel-ways.js";

/** What tunnels are planned for. */
export interface TunnelSite {
  readonly nodeName: string;
  /** The cluster's own network goes through them too. */
  readonly encrypted: boolean;
}

/** MTU of a network's links, from that of the cluster's own. */
export function mtuOf({ way }: Pick<SeenNetwork, "way">, podMtu: number, site: Pick<TunnelSite, "encrypted">): number {
  return way === "tunnel" ? podMtu + overheadOf(site) - OVERHEAD_BYTES.tunnel : podMtu;
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/** The tunnels that encrypted networks need; none while there is no such network. */
export class NetworkTunnels {
  private readonly site: TunnelSite;
  private readonly sync: TunnelSync;
  private networks: readonly SeenNetwork[] = [];
  private hasEnded = false;

  constructor(site: TunnelSite, parts: Omit<TunnelParts, "nodeName">) {
    this.site = site;
    this.sync = new TunnelSync({ ...parts, nodeName: site.nodeName });
  }

  /** Why there are no tunnels; undefined while there are. */
  get problem(): string | undefined {
    return this.sync.problem;
  }

  /** True while some network is encrypted. */
  get isWanted(): boolean {
    return this.site.encrypted || this.networks.length > 0;
  }

  /** Tells the keys of tunnels that stand, before it is known what is wanted. */
  recall(): Promise<void> {
    return this.sync.recall();
  }

  /** Makes, changes or ends tunnels to these nodes as networks need them; by name of a node, the device of the tunnel to it. */
  async bring(
    networks: readonly SeenNetwork[],
    peers: readonly Peer[],
    podMtu: number,
  ): Promise<ReadonlyMap<string, string>> {
    this.networks = networks.filter(({ way }) => way === "tunnel");
    if (!this.isWanted) {
      if (!this.hasEnded) await this.sync.end();
      this.hasEnded = true;
      return NOTHING;
    }
    this.hasEnded = false;
    return this.sync.bring(ends(this.networks, peers, this.site), mtuOf({ way: "tunnel" }, podMtu, this.site));
  }
}

/** All other nodes, with what belongs to each: its shares of encrypted networks, and its own addresses at its end, or all of its pods' where these go through tunnels. */
function ends(
  networks: readonly SeenNetwork[],
  peers: readonly Peer[],
  { encrypted }: TunnelSite,
): readonly TunnelPeer[] {
  return peers.map((node) => {
    const { name, podCIDR, ipv6, underlayIp, keys = [] } = node;
    const shares = networks.flatMap((network) => network.peers.filter(({ peer }) => peer.name === name));
    const whole = [podCIDR, ...(ipv6 === undefined ? [] : [ipv6.podCIDR])];
    const own = encrypted ? whole : tunnelEndsOf(node).map(hostPrefix);
    const allowed = [
      ...own,
      ...shares.flatMap((share) => [share.cidr, ...(share.ipv6 === undefined ? [] : [share.ipv6])]),
    ];
    return { name, underlayIp, keys, allowed };
  });
}
