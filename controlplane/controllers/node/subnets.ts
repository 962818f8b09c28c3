import { contains, formatAddress, overlaps, parseSubnet } from "../../../net/ipv4.js";
import { formatIpv6Subnet, NODE_IPV6_PREFIX, parseIpv6Subnet } from "../../../net/ipv6.js";

/**
 * Hands out pod subnets: each call gives the lowest one of the cluster's range that overlaps none in use, and counts it as used;
 * undefined when there is none left. For one decision: who keeps it must know everything that is in use.
 */
export function subnetsOf(
  cluster: { readonly podCIDR: string; readonly nodePrefixLength: number },
  used: readonly string[],
): () => string | undefined {
  const range = parseSubnet(cluster.podCIDR);
  const taken = used.map(parseSubnet).filter((subnet) => subnet !== undefined);
  const size = 2 ** (32 - cluster.nodePrefixLength);
  // Subnets of another size than today's block every one that they overlap.
  const odd = taken.filter((subnet) => subnet.prefixLength !== cluster.nodePrefixLength);
  const starts = new Set(taken.map(({ base }) => base));
  let next = range?.base ?? 0;
  return () => {
    for (; range !== undefined && contains(range, next); next += size) {
      const subnet = { base: next, prefixLength: cluster.nodePrefixLength, size };
      if (starts.has(next) || odd.some((other) => overlaps(other, subnet))) continue;
      next += size;
      return `${formatAddress(subnet.base)}/${cluster.nodePrefixLength}`;
    }
    return undefined;
  };
}

/** The same for IPv6, where every share has one size: what is no such share of the range blocks nothing. */
export function ipv6SubnetsOf(podCIDR: string, used: readonly string[]): () => string | undefined {
  const range = parseIpv6Subnet(podCIDR);
  const taken = new Set(used);
  const count = range === undefined ? 0 : 2 ** (NODE_IPV6_PREFIX - range.prefixLength);
  let next = 0;
  return () => {
    for (; range !== undefined && next < count; next += 1) {
      const base = range.base + (BigInt(next) << BigInt(128 - NODE_IPV6_PREFIX));
      const subnet = formatIpv6Subnet({ base, prefixLength: NODE_IPV6_PREFIX });
      if (taken.has(subnet)) continue;
      next += 1;
      return subnet;
    }
    return undefined;
  };
}

/** What a node is given: of every family that the cluster has one share. */
export interface NodeSubnets {
  readonly podCIDR: string;
  readonly podCIDRs: readonly string[];
}

/** Hands out shares of all of the cluster's ranges; undefined when one of them has none left. */
export function nodeSubnetsOf(
  cluster: { readonly podCIDR: string; readonly nodePrefixLength: number; readonly podCIDRIPv6?: string },
  used: readonly string[],
): () => NodeSubnets | undefined {
  const { podCIDRIPv6 = "" } = cluster;
  const next = subnetsOf(cluster, used);
  const nextIpv6 = ipv6SubnetsOf(podCIDRIPv6, used);
  return () => {
    const podCIDR = next();
    if (podCIDR === undefined) return undefined;
    if (podCIDRIPv6 === "") return { podCIDR, podCIDRs: [podCIDR] };
    const second = nextIpv6();
    return second === undefined ? undefined : { podCIDR, podCIDRs: [podCIDR, second] };
  };
}
