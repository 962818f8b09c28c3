import { TallshipError } from "../lib/errors.js";

/** An IPv4 subnet. `base` is its lowest address as a 32-bit number. */
export interface Subnet {
  readonly base: number;
  readonly prefixLength: number;
  /** Number of addresses in it. */
  readonly size: number;
}

const DOT = 0x2e;
const ZERO = 0x30;

/**
 * The address as a 32-bit number; undefined when it is not dotted IPv4 without leading zeros. Read by hand: it is asked for every endpoint
 * of every service, and a regular expression takes three times as long.
 */
export function parseAddress(text: string): number | undefined {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0) return undefined;
      value = value * 256 + octet;
      octet = 0;
      digits = 0;
      dots += 1;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || (digits > 0 && octet === 0)) return undefined;
    octet = octet * 10 + digit;
    digits += 1;
    if (octet > 255) return undefined;
  }
  return dots === 3 && digits > 0 ? value * 256 + octet : undefined;
}

/** A 32-bit number in dotted form. */
export function formatAddress(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** The subnet; undefined when it is malformed or has host bits set. */
export function parseSubnet(text: string): Subnet | undefined {
  const [address, length, ...rest] = text.split("/");
  if (address === undefined || length === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length)) return undefined;
  const base = parseAddress(address);
  const prefixLength = Number(length);
  if (base === undefined || prefixLength > 32) return undefined;
  const size = 2 ** (32 - prefixLength);
  return base % size === 0 ? { base, prefixLength, size } : undefined;
}

/** The subnet; throws invalid_argument naming what it is for. */
export function subnetOf(text: string, purpose: string): Subnet {
  const subnet = parseSubnet(text);
  if (subnet === undefined)
    throw new TallshipError("invalid_argument", `${purpose}: "${text}" is no IPv4 subnet such as 10.128.4.0/22`);
  return subnet;
}

/** True when the address lies in the subnet. */
export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address < subnet.base + subnet.size;
}

/** True when the subnets share an address. */
export function overlaps(one: Subnet, other: Subnet): boolean {
  return one.base < other.base + other.size && other.base < one.base + one.size;
}

/** The gateway of a node's pods: the first address after the network's own. */
export function gatewayOf(podCIDR: string): string {
  return formatAddress(subnetOf(podCIDR, "gateway of a pod subnet").base + 1);
}

/** A node's address at its end of encrypted tunnels: the last of its pods' subnet, which no pod has. */
export function tunnelAddressOf(podCIDR: string): string {
  const { base, size } = subnetOf(podCIDR, "end of tunnels of a pod subnet");
  return formatAddress(base + size - 1);
}

/** A MAC address that is a function of the IPv4 address alone, locally administered. */
export function macOfAddress(address: string): string {
  const value = parseAddress(address) ?? 0;
  const octets = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  return `02:74:${octets.map((octet) => octet.toString(16).padStart(2, "0")).join(":")}`;
}

/** The subnet that the text means, host bits ignored, as rules of people may have them; undefined when it is no IPv4 range. */
export function maskedSubnet(text: string): Subnet | undefined {
  const [address = "", length = ""] = text.split("/");
  const value = parseAddress(address);
  const prefixLength = Number(length);
  if (value === undefined || !/^\d{1,2}$/.test(length) || prefixLength > 32) return undefined;
  const size = 2 ** (32 - prefixLength);
  return { base: value - (value % size), prefixLength, size };
}
