import { formatIpv6 } from "../../net/ipv6.js";

/** Flags of an address, as the kernel has them. */
const TEMPORARY = 0x01;
const FAILED = 0x08;
const DEPRECATED = 0x20;
const TENTATIVE = 0x40;

const GLOBAL = "00";

/**
 * A device's addresses of IPv6 that hold beyond its link, of the text of /proc/net/if_inet6: sorted, those last that change by themselves or are about to go. None that
 * may be another's.
 */
export function globalIpv6(text: string, device: string): readonly string[] {
  const rows = text.split("\n").flatMap((line) => {
    const [digits = "", , , scope, flagText = "", name] = line.trim().split(/\s+/);
    const flags = Number.parseInt(flagText, 16);
    if (name !== device || scope !== GLOBAL || (flags & (FAILED | TENTATIVE)) !== 0) return [];
    return [{ address: formatIpv6(BigInt(`0x${digits}`)), isPassing: (flags & (TEMPORARY | DEPRECATED)) !== 0 }];
  });
  const sorted = (isPassing: boolean): readonly string[] =>
    rows.flatMap((row) => (row.isPassing === isPassing ? [row.address] : [])).sort();
  return [...sorted(false), ...sorted(true)];
}
