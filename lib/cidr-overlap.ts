import type { HostRoute } from "./host-routes.js";
import { ipBytes } from "./pki/ip-bytes.js";

/** What is wrong with the cluster's ranges on a host with these routes, in words; undefined when nothing is. Default routes overlap nothing. */
export function findOverlap(ranges: readonly string[], routes: readonly HostRoute[]): string | undefined {
  for (const [at, range] of ranges.entries()) {
    const twin = ranges.slice(at + 1).find((other) => overlaps(range, other));
    if (twin !== undefined) return `the ranges ${range} and ${twin} overlap each other`;
  }
  for (const range of ranges) {
    const route = routes.find(({ destination }) => !destination.endsWith("/0") && overlaps(range, destination));
    if (route === undefined) continue;
    return `the range ${range} overlaps this host's route ${route.destination} by ${route.device}: choose another with --pod-cidr or --service-cidr`;
  }
  return undefined;
}

/** True when one of two CIDRs holds the other. Addresses of different families share nothing. */
export function overlaps(a: string, b: string): boolean {
  const [bitsA, bitsB] = [prefixBits(a), prefixBits(b)];
  if (bitsA === undefined || bitsB === undefined || bitsA.isIpv6 !== bitsB.isIpv6) return false;
  return bitsA.bits.startsWith(bitsB.bits) || bitsB.bits.startsWith(bitsA.bits);
}

function prefixBits(cidr: string): { readonly bits: string; readonly isIpv6: boolean } | undefined {
  const [address = "", length = ""] = cidr.split("/");
  const bytes = ipBytes(address);
  if (bytes === undefined || !/^\d{1,3}$/.test(length) || Number(length) > bytes.length * 8) return undefined;
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return { bits: bits.slice(0, Number(length)), isIpv6: bytes.length === 16 };
}
