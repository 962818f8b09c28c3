import { ipBytes } from "../lib/pki/ip-bytes.js";

/**
 * The range of an address at which no other host is reached, in words: a host that is sent there means itself, its link or many. Undefined for all other
 * addresses, and for what is none. One of IPv6 that stands for one of IPv4 counts as that.
 */
export function specialRange(text: string): string | undefined {
  const bytes = ipBytes(text);
  if (bytes === undefined) return undefined;
  const isMapped = bytes.length === 16 && bytes.readBigUInt64BE(0) === 0n && bytes.readUInt32BE(8) === 0xffff;
  return bytes.length === 4 ? specialIpv4(bytes) : isMapped ? specialIpv4(bytes.subarray(12)) : specialIpv6(bytes);
}

function specialIpv4(bytes: Buffer): string | undefined {
  const [first = 0, second] = bytes;
  if (first === 0) return "unspecified (0.0.0.0/8)";
  if (first === 127) return "loopback (127.0.0.0/8)";
  if (first === 169 && second === 254) return "link-local (169.254.0.0/16)";
  if (first >> 4 === 14) return "multicast (224.0.0.0/4)";
  return undefined;
}

function specialIpv6(bytes: Buffer): string | undefined {
  const isLow = bytes.readBigUInt64BE(0) === 0n;
  const low = bytes.readBigUInt64BE(8);
  if (isLow && low === 0n) return "unspecified (::)";
  if (isLow && low === 1n) return "loopback (::1)";
  const word = bytes.readUInt16BE(0);
  if (word >> 6 === 0x3fa) return "link-local (fe80::/10)";
  if (word >> 8 === 0xff) return "multicast (ff00::/8)";
  return undefined;
}

/** True for four decimal bytes without leading zeros. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** True for an IPv6 address without zone; "::" stands for at least one group. */
export function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2 || !text.includes(":")) return false;
  const counts = halves.map((half, at) => groupsIn(half, at === halves.length - 1));
  const [first = -1, second] = counts;
  if (counts.includes(-1)) return false;
  return second === undefined ? first === 8 : first + second < 8;
}

/** Groups of 16 bits in one half; -1 when it is malformed. Only the last half may end in an IPv4 address. */
function groupsIn(half: string, isLast: boolean): number {
  if (half === "") return 0;
  const groups = half.split(":");
  const last = groups.at(-1) ?? "";
  const isMixed = isLast && last.includes(".");
  if (isMixed && !isIpv4(last)) return -1;
  const plain = isMixed ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return -1;
  return plain.length + (isMixed ? 2 : 0);
}
