import { isNameAlone } from "../../../kinds/node-ports.js";
import type { FieldError } from "../../../kinds/validation/findings.js";
import { type Family, familyOf, isAddress, rangeTest } from "../../../net/family.js";
import { formatIpv6, ipv6SubnetOf, parseIpv6 } from "../../../net/ipv6.js";
import type { Service, ServiceSpec } from "../../../proto/gen/tallship/v1/service.js";
import { addressText, hostsOf, type NumberRange } from "./address-range.js";

/** What addresses of services are taken from. */
export interface AddressRanges {
  readonly serviceCIDR: string;
  /** Absent or empty: the cluster has IPv4 alone. */
  readonly serviceCIDRIPv6?: string;
  /** Reserved for the cluster's resolver: never assigned, and taken by name only in kube-system. */
  readonly dnsAddress: string;
}

/** Addresses of a range of IPv6 that are given out: as many as the smallest prefix that a range of services may have. */
const MOST_ADDRESSES = 2 ** 20;

/** The families that a service has: its first one stands, a second comes where its policy asks for it and the cluster has it. */
export function familiesFor(
  { clusterIP, ipFamilies, ipFamilyPolicy, selector }: ServiceSpec,
  ranges: AddressRanges,
): readonly Family[] {
  const hasAddress = clusterIP !== "" && clusterIP !== "None";
  const first: Family = (hasAddress ? familyOf(clusterIP) : ipFamilies[0]) === "IPv6" ? "IPv6" : "IPv4";
  const other: Family = first === "IPv4" ? "IPv6" : "IPv4";
  const canBoth = isDualStack(ranges) || isNameAlone({ clusterIP, selector });
  const isSingle = ipFamilyPolicy === "" || ipFamilyPolicy === "SingleStack" || !canBoth;
  return isSingle ? [first] : [first, other];
}

function isDualStack({ serviceCIDRIPv6 = "" }: AddressRanges): boolean {
  return serviceCIDRIPv6 !== "";
}

/** Where a family's addresses are picked, by number. */
export function addressPool(
  family: Family,
  ranges: AddressRanges,
): { readonly range: NumberRange; readonly text: (number: number) => string; readonly reserved: readonly string[] } {
  if (family === "IPv4")
    return { range: hostsOf(ranges.serviceCIDR), text: addressText, reserved: [ranges.dnsAddress] };
  const { base, prefixLength } = ipv6SubnetOf(ranges.serviceCIDRIPv6 ?? "", "IPv6 addresses of services");
  const size = Math.min(2 ** (128 - prefixLength), MOST_ADDRESSES);
  return { range: { first: 1, count: size - 2 }, text: (number) => formatIpv6(base + BigInt(number)), reserved: [] };
}

/** What of a service's families and addresses this cluster cannot give. */
export function familyErrors({ metadata, spec }: Service, ranges: AddressRanges): readonly FieldError[] {
  if (spec === undefined || spec.type === "ExternalName") return [];
  const wrong = (path: string, message: string): FieldError => ({ code: "invalid", path: `spec.${path}`, message });
  const errors: FieldError[] = [];
  const canBoth = isDualStack(ranges) || isNameAlone(spec);
  if (spec.ipFamilyPolicy === "RequireDualStack" && !canBoth)
    errors.push(wrong("ipFamilyPolicy", "this cluster is not configured for dual-stack services"));
  for (const [at, family] of spec.ipFamilies.entries())
    if (family === "IPv6" && !canBoth) errors.push(wrong(`ipFamilies[${at}]`, "not configured on this cluster"));
  const first = familiesFor(spec, ranges)[0];
  const [asked = first] = spec.ipFamilies;
  if (asked !== first)
    errors.push(
      wrong("clusterIPs[0]", `expected an ${asked} value as indicated by \`ipFamilies[0]\`, found ${spec.clusterIP}`),
    );
  const others = spec.clusterIPs.slice(1).map((address, at) => [`clusterIPs[${at + 1}]`, address] as const);
  for (const [path, address] of [["clusterIP", spec.clusterIP] as const, ...others]) {
    const message = address === "" || address === "None" ? undefined : addressError(address, ranges);
    if (message !== undefined) errors.push(wrong(path, message));
    else if (address === ranges.dnsAddress && metadata?.namespace !== "kube-system")
      errors.push(wrong(path, `${address} is reserved for the cluster's resolver`));
  }
  return errors;
}

function addressError(address: string, ranges: AddressRanges): string | undefined {
  const family = familyOf(address);
  const cidr = family === "IPv4" ? ranges.serviceCIDR : (ranges.serviceCIDRIPv6 ?? "");
  if (cidr === "") return `this cluster has no service addresses of ${family}, found ${address}`;
  if (!isAddress(family, address) || !rangeTest(cidr)(address) || isEdge(address, family, cidr))
    return `want an address of ${cidr}, found ${address}`;
  const written = family === "IPv4" ? address : formatIpv6(parseIpv6(address) ?? 0n);
  return written === address ? undefined : `want it written as ${written}, found ${address}`;
}

/** Neither the first address of a range nor, of IPv4, the last is a service's. */
function isEdge(address: string, family: Family, cidr: string): boolean {
  if (family === "IPv6") return parseIpv6(address) === ipv6SubnetOf(cidr, "IPv6 addresses of services").base;
  const { first, count } = hostsOf(cidr);
  return address === addressText(first - 1) || address === addressText(first + count);
}
