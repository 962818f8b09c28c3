import { DEFAULT_NETWORK } from "../../../kinds/network.js";
import { metaOf } from "../../../kinds/object.js";
import { overlaps } from "../../../lib/cidr-overlap.js";
import type { Rng } from "../../../lib/rng.js";
import { rangeTest } from "../../../net/family.js";
import { formatIpv6Subnet, NODE_IPV6_PREFIX, parseIpv6Subnet } from "../../../net/ipv6.js";
import { hostsOf } from "../../../net/policy/hosts.js";
import type { TakenNetwork } from "../../../proto/gen/tallship/v1/record.js";
import type { View } from "../../cache/view.js";
import { addressNumber, addressText } from "./address-range.js";

/** The cluster's own ranges; those of IPv6 are absent or empty where it has IPv4 alone. */
export interface ClusterCIDRs {
  readonly podCIDR: string;
  readonly serviceCIDR: string;
  readonly podCIDRIPv6?: string;
  readonly serviceCIDRIPv6?: string;
}

/** True for a cluster whose pods have addresses of both families. */
export function isDualStack({ podCIDRIPv6 = "" }: ClusterCIDRs): boolean {
  return podCIDRIPv6 !== "";
}

/** What no range of a network may share an address with. */
export interface Ground {
  readonly ranges: readonly HeldRange[];
  /** Names of nodes by each of their hosts' addresses. */
  readonly hosts: ReadonlyMap<string, string>;
}

/** A range or an address, and in words whose it is. */
export interface HeldRange {
  readonly cidr: string;
  readonly holder: string;
}

/** What is taken by the cluster itself, by its hosts and by other networks. */
export function groundOf(others: readonly TakenNetwork[], cluster: ClusterCIDRs, view: View): Ground {
  const pods = `the cluster's own pods (network ${DEFAULT_NETWORK})`;
  const services = "the cluster's services";
  const ranges = [
    { cidr: cluster.podCIDR, holder: pods },
    { cidr: cluster.serviceCIDR, holder: services },
    { cidr: cluster.podCIDRIPv6 ?? "", holder: pods },
    { cidr: cluster.serviceCIDRIPv6 ?? "", holder: services },
    ...others.flatMap(({ subnet, subnetIPv6, holder }) =>
      [subnet, subnetIPv6].map((cidr) => ({ cidr, holder: `Network ${holder}` })),
    ),
  ];
  const hosts = view
    .list("Node")
    .flatMap(({ object }) => [...hostsOf([object])].map((address) => [address, metaOf(object).name] as const));
  return { ranges: ranges.filter(({ cidr }) => cidr !== ""), hosts: new Map(hosts) };
}

/** The first that the range shares an address with. */
export function clashOf(range: string, { ranges, hosts }: Ground): HeldRange | undefined {
  const held = ranges.find(({ cidr }) => overlaps(cidr, range));
  if (held !== undefined) return held;
  const isWithin = rangeTest(range);
  for (const [address, node] of hosts) if (isWithin(address)) return { cidr: address, holder: `node ${node}` };
  return undefined;
}

/** Where ranges of IPv4 are picked from. */
export const PICKED_FROM = "10.64.0.0/11";

const PICKED_LENGTH = 20;

/** The first range of IPv4 that is nobody's. */
export function freeSubnet(ground: Ground): string | undefined {
  const [address = "", length = ""] = PICKED_FROM.split("/");
  const size = 2 ** (32 - PICKED_LENGTH);
  const first = addressNumber(address);
  const end = first + 2 ** (32 - Number(length));
  for (let base = first; base < end; base += size) {
    const cidr = `${addressText(base)}/${PICKED_LENGTH}`;
    if (clashOf(cidr, ground) === undefined) return cidr;
  }
  return undefined;
}

/** Where ranges of IPv6 are drawn from: unique local ones, which RFC 4193 has drawn by lot, so that networks of different clusters do not meet. */
export const DRAWN_FROM = "fd00::/8";

/** There are 2^56 of them: one that is taken is a sign that all are. */
const DRAWS = 8;

/** A range of IPv6 that is nobody's. */
export function freeIpv6Subnet(ground: Ground, rng: Rng): string | undefined {
  for (let draw = 0; draw < DRAWS; draw += 1) {
    const bits = BigInt(`0xfd${Buffer.from(rng.bytes(7)).toString("hex")}`);
    const cidr = formatIpv6Subnet({ base: bits << 64n, prefixLength: NODE_IPV6_PREFIX });
    if (clashOf(cidr, ground) === undefined) return cidr;
  }
  return undefined;
}

/** The range as it is written everywhere, however it was spelled. */
export function canonicalRange(range: string): string {
  const subnet = parseIpv6Subnet(range);
  return subnet === undefined ? range : formatIpv6Subnet(subnet);
}
