import { contains, gatewayOf, maskedSubnet, parseAddress } from "./ipv4.js";
import { containsIpv6, formatIpv6, ipv6GatewayOf, maskedIpv6Subnet, parseIpv6 } from "./ipv6.js";
import type { FamilyRanges, NodeNetworkConfig } from "./node-network.js";

/** An address family, as Kubernetes names it. */
export type Family = "IPv4" | "IPv6";

/** How nft speaks of a family. Of IPv4 the tables are `inet`: they hold what is asked of packets of any family as well. */
export interface FamilyWords {
  readonly tables: "inet" | "ip6";
  readonly ip: "ip" | "ip6";
  readonly address: "ipv4_addr" | "ipv6_addr";
  readonly loopback: string;
}

/** The words of each family. */
export const WORDS = {
  IPv4: { tables: "inet", ip: "ip", address: "ipv4_addr", loopback: "127.0.0.0/8" },
  IPv6: { tables: "ip6", ip: "ip6", address: "ipv6_addr", loopback: "::1" },
} as const satisfies Readonly<Record<Family, FamilyWords>>;

/** Where every address of a family lies. */
export const EVERYWHERE = { IPv4: "0.0.0.0/0", IPv6: "::/0" } as const satisfies Readonly<Record<Family, string>>;

/** True for the range in which every address of a family lies. */
export function isEverywhere(subnet: string): boolean {
  return subnet === EVERYWHERE[familyOf(subnet)];
}

/** The family of an address, a range or a prefix, by its form alone. */
export function familyOf(text: string): Family {
  return text.includes(":") ? "IPv6" : "IPv4";
}

/** The address alone, as a prefix. */
export function hostPrefix(address: string): string {
  return `${address}/${familyOf(address) === "IPv4" ? 32 : 128}`;
}

/** True for an address of the family. */
export function isAddress(family: Family, text: string): boolean {
  return (family === "IPv4" ? parseAddress(text) : parseIpv6(text)) !== undefined;
}

/** The address as the kernel writes it; what is none as it stands. */
export function asWritten(address: string): string {
  const value = parseIpv6(address);
  return value === undefined ? address : formatIpv6(value);
}

/** Whether addresses lie in the range that the text means, host bits ignored; none do when it is no range, or of another family. */
export function rangeTest(cidr: string): (address: string) => boolean {
  const ipv4 = maskedSubnet(cidr);
  if (ipv4 !== undefined) return (address) => contains(ipv4, parseAddress(address) ?? -1);
  const ipv6 = maskedIpv6Subnet(cidr);
  if (ipv6 === undefined) return () => false;
  return (address) => {
    const value = parseIpv6(address);
    return value !== undefined && containsIpv6(ipv6, value);
  };
}

/** A family's ranges and the gateway of the node's pods in it. */
export interface FamilySite extends FamilyRanges {
  readonly family: Family;
  readonly gateway: string;
}

/** The families of the cluster as this node sees them, IPv4 first. */
export function sitesOf(config: NodeNetworkConfig): readonly FamilySite[] {
  const { podCIDR, clusterCIDR, serviceCIDR, ipv6 } = config;
  const ipv4: FamilySite = { family: "IPv4", podCIDR, clusterCIDR, serviceCIDR, gateway: gatewayOf(podCIDR) };
  return ipv6 === undefined ? [ipv4] : [ipv4, { ...ipv6, family: "IPv6", gateway: ipv6GatewayOf(ipv6.podCIDR) }];
}

/** The families that the cluster speaks, IPv4 first. */
export function familiesOf({ ipv6 }: Pick<NodeNetworkConfig, "ipv6">): readonly Family[] {
  return ipv6 === undefined ? ["IPv4"] : ["IPv4", "IPv6"];
}
