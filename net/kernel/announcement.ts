import { familyOf } from "../family.js";
import { parseAddress } from "../ipv4.js";
import { parseIpv6 } from "../ipv6.js";

/** What a link is told of an address. */
export interface Announced {
  readonly ip: string;
  /** Hardware address that packets for it go to; of IPv4 that of the device. */
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
 * A shell command that tells everybody on a link that an address is here now: who has it at another hardware address takes this one at once. It ends when the host has the
 * address no more: another tells of it by then, and whoever heard of this one later would be led back. `:` when there is nothing to tell.
 */
export function announcement({ ip, mac, device, count }: Announced): string {
  const send = familyOf(ip) === "IPv4" ? gratuitousArp(ip, device) : unsolicitedAdvertisement(ip, mac, device);
  if (send === undefined) return ":";
  const isHere = `ip -o address show to ${ip} | grep -q .`;
  return `for at in $(seq ${count}); do [ $at = 1 ] || sleep 1; ${isHere} || break; ${send}; done`;
}

/** As a question and as an answer: some routers heed the one alone, some the other. Each goes on for a second after its packet. */
function gratuitousArp(ip: string, device: string): string | undefined {
  if (parseAddress(ip) === undefined) return undefined;
  return `{ for form in -U -A; do busybox arping -q $form -c 1 -I ${device} ${ip} & done; }`;
}

/** The kernel sends none for what it only stands in for. Undefined when the addresses are none. */
function unsolicitedAdvertisement(ip: string, mac: string, device: string): string | undefined {
  const bytes = advertisementBytes(ip, mac);
  if (bytes === undefined) return undefined;
  const text = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  return `printf '${text}' | socat -u - 'IP6-SENDTO:[${ALL_NODES}%${device}]:${ICMPV6},${MOST_HOPS}'`;
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
