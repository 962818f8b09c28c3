import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { parseSubnet } from "../ipv4.js";
import { peersOf, type Self } from "../overlay/peers.js";
import type { PeerAddresses } from "./path-evidence.js";

/** A peer that answers probes. */
export interface ProbedPeer {
  readonly name: string;
  readonly addresses: PeerAddresses;
  readonly port: number;
  /** The control plane hears of the node: when it does not, everybody knows already that the peer is away. */
  readonly isReady: boolean;
}

/** The peers that answer probes, by name, in order. */
export function probedPeers(nodes: ReadonlyMap<string, Node>, self: Self): ReadonlyMap<string, ProbedPeer> {
  const { peers } = peersOf(nodes.values(), self);
  return new Map(
    peers.flatMap(({ name, gateway, underlayIp, ipv6 }): readonly (readonly [string, ProbedPeer])[] => {
      const status = nodes.get(name)?.status;
      const port = status?.overlay?.probePort ?? 0;
      if (port === 0) return [];
      const isReady = status?.conditions.some((each) => each.type === "Ready" && each.status === "True") ?? false;
      const addresses = { underlay: underlayIp, overlay: gateway, ipv6: ipv6?.gateway };
      return [[name, { name, addresses, port, isReady }]];
    }),
  );
}

/** Whether an address is in the network that another has on its link. */
export function isOnLink(address: string, own: string, prefixLength: number): boolean {
  const [one, other] = [subnetAround(address, prefixLength), subnetAround(own, prefixLength)];
  return prefixLength < 32 && one !== undefined && one === other;
}

function subnetAround(address: string, prefixLength: number): number | undefined {
  const base = parseSubnet(`${address}/32`)?.base;
  const size = 2 ** (32 - prefixLength);
  return base === undefined ? undefined : Math.floor(base / size);
}
