import { type Family, hostPrefix } from "../family.js";
import { formatAddress, maskedSubnet } from "../ipv4.js";
import { containsIpv6, formatIpv6, maskedIpv6Subnet } from "../ipv6.js";

interface Range {
  readonly base: bigint;
  readonly prefixLength: number;
  readonly text: string;
  holds(base: bigint): boolean;
}

/**
 * Networks in the form that a map of ranges can hold: host bits cut off, none within another, single addresses without a length, sorted.
 * Undefined when everybody is let in. What is no network of the family lets nobody in.
 */
export function sourceRanges(texts: readonly string[], family: Family = "IPv4"): readonly string[] | undefined {
  if (texts.length === 0) return undefined;
  const ranges = texts.flatMap((text) => rangeOf(text.trim(), family) ?? []).sort(byBaseThenSize);
  const outermost: Range[] = [];
  for (const range of ranges) {
    const last = outermost.at(-1);
    // Networks nest or lie apart, and the widest of those that begin at one address comes first.
    if (last === undefined || !last.holds(range.base)) outermost.push(range);
  }
  return outermost[0]?.prefixLength === 0 ? undefined : outermost.map(({ text }) => text);
}

function rangeOf(text: string, family: Family): Range | undefined {
  const cidr = text.includes("/") ? text : hostPrefix(text);
  return family === "IPv4" ? ipv4Range(cidr) : ipv6Range(cidr);
}

function ipv4Range(cidr: string): Range | undefined {
  const subnet = maskedSubnet(cidr);
  if (subnet === undefined) return undefined;
  const { prefixLength, size } = subnet;
  const base = BigInt(subnet.base);
  const address = formatAddress(subnet.base);
  const text = prefixLength === 32 ? address : `${address}/${prefixLength}`;
  return { base, prefixLength, text, holds: (other) => other >= base && other < base + BigInt(size) };
}

function ipv6Range(cidr: string): Range | undefined {
  const subnet = maskedIpv6Subnet(cidr);
  if (subnet === undefined) return undefined;
  const { base, prefixLength } = subnet;
  const address = formatIpv6(base);
  const text = prefixLength === 128 ? address : `${address}/${prefixLength}`;
  return { base, prefixLength, text, holds: (other) => containsIpv6(subnet, other) };
}

function byBaseThenSize(one: Range, other: Range): number {
  return Number(one.base > other.base) - Number(one.base < other.base) || one.prefixLength - other.prefixLength;
}
