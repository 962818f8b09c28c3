import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { formatAddress, overlaps, parseAddress, parseSubnet, type Subnet, subnetOf } from "../ipv4.js";
import type { PublishedKey } from "../tunnels/tunnel-keys.js";

/** Another node as the overlay sees it. */
export interface Peer {
  readonly name: string;
  readonly podCIDR: string;
  /** First address of its pod subnet: next hop of the route to it. */
  readonly gateway: string;
  readonly vtepMac: string;
  readonly underlayIp: string;
  /** Keys of its encrypted tunnels; absent: it has none. */
  readonly keys?: readonly PublishedKey[];
  /** Sends answers to clients from outside back by the node they came to, so that they may keep their addresses. Absent: no. */
  readonly leadsBack?: boolean;
}

/** A node whose entries would harm: left out, for the log. */
export interface RefusedPeer {
  readonly name: string;
  readonly reason: string;
}

/** Who asks. */
export interface Self {
  readonly nodeName: string;
  readonly podCIDR: string;
  readonly clusterCIDR: string;
}

const PUBLIC_KEY = /^[A-Za-z0-9+/]{43}=$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/**
 * The peers of a node, in order of their names. Nodes that have no subnet or have not reported their overlay yet are left out in
 * silence; malformed ones are refused; of two that claim the same addresses the first by name keeps them, and the node itself its own.
 */
export function peersOf(
  nodes: Iterable<Node>,
  self: Self,
): { peers: readonly Peer[]; refused: readonly RefusedPeer[] } {
  const own = subnetOf(self.podCIDR, "pod subnet of this node");
  const cluster = subnetOf(self.clusterCIDR, "pod subnet of the cluster");
  const refused: RefusedPeer[] = [];
  const claims: Claim[] = [{ name: self.nodeName, subnet: own, peer: undefined }];
  for (const node of nodes) {
    const name = node.metadata?.name ?? "";
    const podCIDR = node.spec?.podCIDR ?? "";
    const overlay = node.status?.overlay;
    if (name === self.nodeName || podCIDR === "" || overlay === undefined || overlay.underlayIP === "") continue;
    const { vtepMAC: vtepMac, underlayIP: underlayIp, leadsBack } = overlay;
    const subnet = parseSubnet(podCIDR);
    if (subnet === undefined || !overlaps(cluster, subnet))
      refused.push({ name, reason: `pod subnet ${podCIDR} is not one of the cluster's` });
    else if (!MAC.test(vtepMac)) refused.push({ name, reason: "malformed VTEP MAC" });
    else if (parseAddress(underlayIp) === undefined) refused.push({ name, reason: "malformed underlay address" });
    else {
      const gateway = formatAddress(subnet.base + 1);
      const keys = overlay.tunnels.filter(isSound);
      claims.push({ name, subnet, peer: { name, podCIDR, gateway, vtepMac, underlayIp, keys, leadsBack } });
    }
  }
  const settled = settle(claims);
  const peers = settled.kept.flatMap((claim) => (claim.peer === undefined ? [] : [claim.peer]));
  return { peers: peers.sort(byName), refused: [...refused, ...settled.refused].sort(byName) };
}

/** They become words of a program's settings. */
function isSound({ generation, publicKey, port }: PublishedKey): boolean {
  return PUBLIC_KEY.test(publicKey) && port > 0 && port < 65_536 && generation > 0;
}

interface Claim {
  readonly name: string;
  readonly subnet: Subnet;
  /** Undefined for the node itself, whose claim always stands. */
  readonly peer: Peer | undefined;
}

/** Drops claims until none overlap. Subnets are nested or apart, so in order of their bases only neighbours can overlap. */
function settle(claims: readonly Claim[]): { kept: readonly Claim[]; refused: readonly RefusedPeer[] } {
  const kept: Claim[] = [];
  const refused: RefusedPeer[] = [];
  const ordered = [...claims].sort(
    (one, other) => one.subnet.base - other.subnet.base || one.subnet.prefixLength - other.subnet.prefixLength,
  );
  for (const claim of ordered) {
    const last = kept.at(-1);
    if (last === undefined || !overlaps(last.subnet, claim.subnet)) {
      kept.push(claim);
      continue;
    }
    const lastStands = last.peer === undefined || (claim.peer !== undefined && last.name < claim.name);
    const [winner, loser] = lastStands ? [last, claim] : [claim, last];
    kept[kept.length - 1] = winner;
    refused.push({ name: loser.name, reason: `pod subnet overlaps that of ${winner.name}` });
  }
  return { kept, refused };
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1;
}
