import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { familyOf } from "../family.js";
import { formatAddress, overlaps, parseAddress, parseSubnet, type Subnet, subnetOf } from "../ipv4.js";
import {
  containsIpv6,
  formatIpv6,
  formatIpv6Subnet,
  type Ipv6Subnet,
  ipv6GatewayOf,
  ipv6SubnetOf,
  NODE_IPV6_PREFIX,
  parseIpv6,
  parseIpv6Subnet,
} from "../ipv6.js";
import type { FamilyRanges } from "../node-network.js";
import type { PublishedKey } from "../tunnels/tunnel-keys.js";

/** Another node as the overlay sees it. */
export interface Peer {
  readonly name: string;
  readonly podCIDR: string;
  /** First address of its pod subnet: next hop of the route to it. */
  readonly gateway: string;
  readonly vtepMac: string;
  readonly underlayIp: string;
  /** Its pods' subnet of IPv6 and the next hop there; absent: none. */
  readonly ipv6?: PeerIpv6;
  /** Keys of its encrypted tunnels; absent: it has none. */
  readonly keys?: readonly PublishedKey[];
  /** Sends answers to clients from outside back by the node they came to, so that they may keep their addresses. Absent: no. */
  readonly leadsBack?: boolean;
}

/** A peer's part of the overlay that is of IPv6. */
export interface PeerIpv6 {
  readonly podCIDR: string;
  readonly gateway: string;
  /** As of IPv4: clients of IPv6 may keep their addresses. */
  readonly leadsBack: boolean;
  /** Its host's address on the link, by which its pods are reached without VXLAN; absent: none. */
  readonly linkIpv6?: string;
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
  readonly ipv6?: Pick<FamilyRanges, "podCIDR" | "clusterCIDR"> | undefined;
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
  const all = [...nodes];
  for (const node of all) {
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
  const kept = settled.kept.flatMap((claim) => (claim.peer === undefined ? [] : [claim.peer])).sort(byName);
  const { peers, refused: refusedIpv6 } = withIpv6(kept, all, self.ipv6);
  return { peers, refused: [...refused, ...settled.refused, ...refusedIpv6].sort(byName) };
}

/** Peers in order of their names, with their subnets of IPv6. One that is malformed or another's is left away: by IPv4 the peer is reached all the same. */
function withIpv6(
  peers: readonly Peer[],
  nodes: readonly Node[],
  own: Self["ipv6"],
): { peers: readonly Peer[]; refused: readonly RefusedPeer[] } {
  if (own === undefined) return { peers, refused: [] };
  const cluster = ipv6SubnetOf(own.clusterCIDR, "IPv6 subnet of the cluster");
  const holders = new Map([[own.podCIDR, "this node"]]);
  const named = new Map(nodes.map((node) => [node.metadata?.name ?? "", node]));
  const refused: RefusedPeer[] = [];
  const all = peers.map((peer): Peer => {
    const { name } = peer;
    const node = named.get(name);
    const itsOwn = node && saidOf(node);
    if (itsOwn === undefined) return peer;
    const { text, subnet, podCIDR, gateway, onLink } = itsOwn;
    const isShare = subnet?.prefixLength === NODE_IPV6_PREFIX && containsIpv6(cluster, subnet.base);
    const holder = holders.get(podCIDR);
    if (!isShare) refused.push({ name, reason: `pod subnet ${text} is not one of the cluster's` });
    else if (holder !== undefined) refused.push({ name, reason: `pod subnet ${text} is that of ${holder}` });
    else {
      holders.set(podCIDR, name);
      const leadsBack = node?.status?.overlay?.leadsBackIPv6 ?? false;
      const ipv6 = { podCIDR, gateway, leadsBack, ...(onLink !== "" && { linkIpv6: onLink }) };
      return { ...peer, ipv6 };
    }
    return peer;
  });
  return { peers: all, refused };
}

/** What a node says of its IPv6, as the kernel writes it. */
interface SaidIpv6 {
  /** As the node has it. */
  readonly text: string;
  readonly subnet: Ipv6Subnet | undefined;
  /** Empty when it is malformed. */
  readonly podCIDR: string;
  readonly gateway: string;
  readonly onLink: string;
}

/** Objects of nodes are shared and never change, and each change of one asks for all: what they say is read once. */
const said = new WeakMap<Node, SaidIpv6 | undefined>();

/** Undefined when it says nothing. */
function saidOf(node: Node): SaidIpv6 | undefined {
  if (said.has(node)) return said.get(node);
  const read = readIpv6(node);
  said.set(node, read);
  return read;
}

function readIpv6({ spec, status }: Node): SaidIpv6 | undefined {
  const text = spec?.podCIDRs.find((cidr) => familyOf(cidr) === "IPv6") ?? "";
  if (text === "") return undefined;
  const subnet = parseIpv6Subnet(text);
  const podCIDR = subnet === undefined ? "" : formatIpv6Subnet(subnet);
  const gateway = podCIDR === "" ? "" : ipv6GatewayOf(podCIDR);
  return { text, subnet, podCIDR, gateway, onLink: linkAddressOf(status?.overlay?.linkIPv6 ?? "") };
}

/** The address as the kernel writes it; empty when it is none that holds on a link alone. */
function linkAddressOf(text: string): string {
  const value = parseIpv6(text);
  return value !== undefined && containsIpv6(LINKS, value) ? formatIpv6(value) : "";
}

const LINKS = ipv6SubnetOf("fe80::/10", "addresses of links");

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
