import { parseIpv6 } from "../ipv6.js";

/** What is told of an address. */
export interface Advertised {
  readonly ip: string;
  /** Hardware address that packets for it go to. */
  readonly mac: string;
  /** On whose link. */
  readonly device: string;
  /** How often, a second apart. */
  readonly count: number;
}

const ALL_NODES = "ff02::1";
const ICMPV6 = 58;

/** Level and name of the option IPV6_MULTICAST_HOPS: advertisements that may have been forwarded are not believed. */
const MOST_HOPS = "setsockopt-int=41:18:255";

/**
 * A shell command that tells everybody on a link that an IPv6 address is here now, by unsolicited neighbour advertisements: who has it at another hardware
 * address takes this one at once. It ends when the host has the address no more, which another tells of by then. `:` when the device has no hardware address. The
 * kernel sends none for what it only stands in for.
 */
export function advertisement({ ip, mac, device, count }: Advertised): string {
  const bytes = advertisementBytes(ip, mac);
  if (bytes === undefined) return ":";
  const text = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  const send = `printf '${text}' | socat -u - 'IP6-SENDTO:[${ALL_NODES}%${device}]:${ICMPV6},${MOST_HOPS}'`;
  const isHere = `ip -o address show to ${ip} | grep -q .`;
  return `for at in $(seq ${count}); do [ $at = 1 ] || sleep 1; ${isHere} || break; ${send}; done`;
}

/** The message as RFC 4861 has it, overriding what is known; the kernel fills in the checksum. Undefined when the addresses are none. */
export function advertisementBytes(ip: string, mac: string): Buffer | undefined {
  const target = parseIpv6(ip);
  if (target === undefined || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) return undefined;
  return Buffer.concat([
    Buffer.from([TYPE, 0, 0, 0, OVERRIDE, 0, 0, 0]),
    Buffer.from(target.toString(16).padStart(32, "0"), "hex"),
    Buffer.from([TARGET_LINK_LAYER_ADDRESS, 1]),
    Buffer.from(mac.replaceAll(":", ""), "hex"),
  ]);
}

const TYPE = 136;
const OVERRIDE = 0x20;
const TARGET_LINK_LAYER_ADDRESS = 2;
