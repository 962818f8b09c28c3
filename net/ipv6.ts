import { TallshipError } from "../lib/errors.js";
import { ipBytes } from "../lib/pki/ip-bytes.js";
import { parseAddress, subnetOf } from "./ipv4.js";

/** An IPv6 subnet. `base` is its lowest address as a 128-bit number. */
export interface Ipv6Subnet {
  readonly base: bigint;
  readonly prefixLength: number;
}

/** Prefix length of a node's share of the cluster's IPv6 addresses: what routers and people expect of a link. */
export const NODE_IPV6_PREFIX = 64;

/** The address as a 128-bit number; undefined when it is no IPv6 address. */
export function parseIpv6(text: string): bigint | undefined {
  const bytes = ipBytes(text);
  return bytes?.length === 16 ? BigInt(`0x${bytes.toString("hex")}`) : undefined;
}

/** A 128-bit number as RFC 5952 writes it, and so the kernel: the longest run of zeros shortened, the first of equals. */
export function formatIpv6(value: bigint): string {
  const words = Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(16 * (7 - at))) & 0xffffn));
  const { start, length } = longestZeros(words);
  const text = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(":");
  if (length < 2) return text(words);
  return `${text(words.slice(0, start))}::${text(words.slice(start + length))}`;
}

function longestZeros(words: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [at, word] of words.entries()) {
    if (word !== 0) start = at + 1;
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start };
  }
  return best;
}

/** The subnet that the text means, host bits ignored; undefined when it is no IPv6 range. */
export function maskedIpv6Subnet(text: string): Ipv6Subnet | undefined {
  const [address = "", length = ""] = text.split("/");
  const value = parseIpv6(address);
  const prefixLength = Number(length);
  if (value === undefined || !/^\d{1,3}$/.test(length) || prefixLength > 128) return undefined;
  const hostBits = BigInt(128 - prefixLength);
  return { base: (value >> hostBits) << hostBits, prefixLength };
}

/** The subnet; undefined when it is malformed or has host bits set. */
export function parseIpv6Subnet(text: string): Ipv6Subnet | undefined {
  const subnet = maskedIpv6Subnet(text);
  return subnet !== undefined && subnet.base === parseIpv6(text.split("/")[0] ?? "") ? subnet : undefined;
}

/** The subnet; throws invalid_argument naming what it is for. */
export function ipv6SubnetOf(text: string, purpose: string): Ipv6Subnet {
  const subnet = parseIpv6Subnet(text);
  if (subnet === undefined)
    throw new TallshipError("invalid_argument", `${purpose}: "${text}" is no IPv6 subnet such as fd00:10:128:4::/64`);
  return subnet;
}

/** The subnet as the kernel writes it. */
export function formatIpv6Subnet({ base, prefixLength }: Ipv6Subnet): string {
  return `${formatIpv6(base)}/${prefixLength}`;
}

/** True when the address lies in the subnet. */
export function containsIpv6({ base, prefixLength }: Ipv6Subnet, address: bigint): boolean {
  return (address ^ base) >> BigInt(128 - prefixLength) === 0n;
}

/** The IPv6 gateway of a node's pods: the first address of its subnet. No pod has it, since its lowest bits are no pod's IPv4 address. */
export function ipv6GatewayOf(podCIDR: string): string {
  return formatIpv6(ipv6SubnetOf(podCIDR, "gateway of a pod subnet").base + 1n);
}

/** A node's address of IPv6 at its end of encrypted tunnels: the last of its pods' subnet, as of IPv4. No pod has it: of its lowest bits are no pod's addresses. */
export function ipv6TunnelAddressOf(podCIDR: string): string {
  const { base, prefixLength } = ipv6SubnetOf(podCIDR, "end of tunnels of a pod subnet");
  return formatIpv6(base + (1n << BigInt(128 - prefixLength)) - 1n);
}

/** Bytes that every link must take of IPv6: nobody is told to send less. */
export const LEAST_IPV6_MTU = 1_280;

/**
 * A pod's IPv6 address: the node's subnet, or the range of a network, and the pod's IPv4 address there as the lowest 32 bits. So there is one pool of
 * addresses and not two, and whoever knows one address of a pod knows the other.
 */
export function podIpv6(podCIDR: string, ipv4: string): string {
  const value = parseAddress(ipv4);
  if (value === undefined)
    throw new TallshipError("invalid_argument", `IPv6 address of a pod: "${ipv4}" is no IPv4 address`);
  return formatIpv6(ipv6SubnetOf(podCIDR, "IPv6 addresses of pods").base + BigInt(value));
}

/** Most bits that a range may fix of pods' addresses: the rest is the IPv4 address. */
export const LONGEST_IPV6_PREFIX = 96;

/** What of a range of IPv6 goes with a range of IPv4 addresses. */
export function ipv6ShareOf(range: string, share: string): string {
  const { base, prefixLength } = subnetOf(share, "share of a range");
  const { base: first } = ipv6SubnetOf(range, "range of a network");
  return formatIpv6Subnet({ base: first + BigInt(base), prefixLength: LONGEST_IPV6_PREFIX + prefixLength });
}

/**
 * A next hop of IPv6 in an overlay: an address of the link, made of the gateway of IPv4 there. The kernel takes such a one whatever its tables say; an
 * address of the pods themselves it refuses while they are reached by another device.
 */
export function ipv6Hop(gateway: string): string {
  return podIpv6("fe80::/64", gateway);
}
