import { contains, formatAddress, overlaps, parseSubnet } from "../../../net/ipv4.js";

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
