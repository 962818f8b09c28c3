import { TallshipError } from "../../lib/errors.js";
import { DEFAULTS } from "../../lib/limits.js";
import { familyOf } from "../../net/family.js";
import { parseSubnet } from "../../net/ipv4.js";
import { formatIpv6Subnet, NODE_IPV6_PREFIX, parseIpv6Subnet } from "../../net/ipv6.js";
import type { ClusterConfig } from "../../proto/gen/tallship/v1/session.js";

/** What `init` is told of the cluster's ranges: each option one CIDR, or two apart by a comma, one of each family. */
export interface RangeOptions {
  readonly "pod-cidr"?: string | undefined;
  readonly "cluster-cidr"?: string | undefined;
  readonly "service-cidr"?: string | undefined;
}

type Ranges = Pick<ClusterConfig, "podCIDR" | "serviceCIDR" | "podCIDRIPv6" | "serviceCIDRIPv6">;

/** Bits by which a range of IPv6 may be larger than what it is divided into: as many nodes as Kubernetes has, and no services without end. */
const MOST_NODES_BITS = 16;
const SERVICE_PREFIX = { least: 108, most: 120 } as const;

/** The ranges of pods and services. IPv4 is always there; IPv6 is in both or in neither. Throws invalid_argument with the option that is wrong. */
export function clusterRanges(options: RangeOptions): Ranges {
  const podOption = options["cluster-cidr"] === undefined ? "pod-cidr" : "cluster-cidr";
  if (options["pod-cidr"] !== undefined && podOption === "cluster-cidr")
    throw wrong("cluster-cidr", options["cluster-cidr"] ?? "", "it is another name of --pod-cidr: give one of them");
  const pods = byFamily(podOption, options[podOption], DEFAULTS.podCIDR);
  const services = byFamily("service-cidr", options["service-cidr"], DEFAULTS.serviceCIDR);
  const lacking = pods.IPv6 !== undefined && services.IPv6 === undefined ? "service-cidr" : podOption;
  if ((pods.IPv6 === undefined) !== (services.IPv6 === undefined))
    throw wrong(lacking, options[lacking] ?? "", "want a range of IPv6 too: pods and services have the same families");
  return {
    podCIDR: ipv4Range(podOption, pods.IPv4, DEFAULTS.podCIDR),
    serviceCIDR: ipv4Range("service-cidr", services.IPv4, DEFAULTS.serviceCIDR),
    podCIDRIPv6: ipv6Range(podOption, pods.IPv6, {
      least: NODE_IPV6_PREFIX - MOST_NODES_BITS,
      most: NODE_IPV6_PREFIX,
      such: "fd00:10:128::/56",
    }),
    serviceCIDRIPv6: ipv6Range("service-cidr", services.IPv6, { ...SERVICE_PREFIX, such: "fd00:10:96::/108" }),
  };
}

interface FamilyTexts {
  readonly IPv4: string | undefined;
  readonly IPv6: string | undefined;
}

function byFamily(option: string, text: string | undefined, otherwise: string): FamilyTexts {
  const parts = (text ?? otherwise).split(",").map((part) => part.trim());
  const [IPv4, ...more4] = parts.filter((part) => familyOf(part) === "IPv4");
  const [IPv6, ...more6] = parts.filter((part) => familyOf(part) === "IPv6");
  const many = more4.length > 0 ? "IPv4" : more6.length > 0 ? "IPv6" : undefined;
  if (many !== undefined)
    throw wrong(option, text ?? "", `want one range of each family at most, found two of ${many}`);
  if (IPv4 === undefined)
    throw wrong(
      option,
      text ?? "",
      `want a range of IPv4 too, such as ${otherwise},${IPv6}: hosts know each other by IPv4`,
    );
  return { IPv4, IPv6 };
}

function ipv4Range(option: string, text = "", such: string): string {
  const [address = "", length = ""] = text.split("/");
  const bits = /^\d{1,2}$/.test(length) ? Number(length) : Number.NaN;
  if (parseSubnet(`${address}/32`) === undefined || !(bits >= 1 && bits <= 24))
    throw wrong(option, text, `want an IPv4 range such as ${such}`);
  if (parseSubnet(text) === undefined) throw wrong(option, text, "the address has bits beyond its prefix");
  return text;
}

interface Ipv6Bounds {
  readonly least: number;
  readonly most: number;
  readonly such: string;
}

function ipv6Range(option: string, text: string | undefined, { least, most, such }: Ipv6Bounds): string {
  if (text === undefined) return "";
  const [address = "", length = ""] = text.split("/");
  if (parseIpv6Subnet(`${address}/128`) === undefined || !/^\d{1,3}$/.test(length))
    throw wrong(option, text, `want an IPv6 range such as ${such}`);
  const subnet = parseIpv6Subnet(text);
  if (subnet === undefined) throw wrong(option, text, "the address has bits beyond its prefix");
  if (/^(fe[89ab]|ff)/i.test(address)) throw wrong(option, text, "addresses of links and groups are nobody's to give");
  if (subnet.prefixLength < least || subnet.prefixLength > most)
    throw wrong(option, text, `want a prefix of /${least} to /${most}`);
  return formatIpv6Subnet(subnet);
}

function wrong(option: string, text: string, why: string): TallshipError {
  return new TallshipError("invalid_argument", `--${option}${text === "" ? "" : ` ${text}`}: ${why}`);
}
