import { contains, formatAddress, parseAddress, type Subnet } from "../ipv4.js";

/**
 * Networks in the form that a map of ranges can hold: host bits cut off, none within another, single addresses without a length, sorted.
 * Undefined when everybody is let in. What is no IPv4 network lets nobody in.
 */
export function sourceRanges(texts: readonly string[]): readonly string[] | undefined {
  if (texts.length === 0) return undefined;
  const subnets = texts.flatMap((text) => subnetAround(text.trim()) ?? []).sort(byBaseThenSize);
  const outermost: Subnet[] = [];
  for (const subnet of subnets) {
    const last = outermost.at(-1);
    // Networks nest or lie apart, and the widest of those that begin at one address comes first.
    if (last === undefined || !contains(last, subnet.base)) outermost.push(subnet);
  }
  if (outermost[0]?.prefixLength === 0) return undefined;
  return outermost.map(({ base, prefixLength }) =>
    prefixLength === 32 ? formatAddress(base) : `${formatAddress(base)}/${prefixLength}`,
  );
}

function subnetAround(text: string): Subnet | undefined {
  const [address = "", length = "32"] = text.split("/");
  const value = parseAddress(address);
  const prefixLength = Number(length);
  if (value === undefined || !/^\d{1,2}$/.test(length) || prefixLength > 32) return undefined;
  const size = 2 ** (32 - prefixLength);
  return { base: Math.floor(value / size) * size, prefixLength, size };
}

function byBaseThenSize(one: Subnet, other: Subnet): number {
  return one.base - other.base || other.size - one.size;
}
