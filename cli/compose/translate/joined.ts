import { isIpv4, isIpv6 } from "../../../kinds/ip.js";
import { DEFAULT_NETWORK, ipv6SubnetError, NETWORKS, NO_NETWORK, RESERVED_NETWORKS } from "../../../kinds/network.js";
import type { Place } from "../load/node.js";
import type { NetworkModel } from "../model/project.js";
import type { Located } from "../model/reader.js";
import { type ActiveService, objectOf, type ProjectContext, type ServiceContext } from "./context.js";
import { dnsName } from "./names.js";
import { at, type Part, type Placed } from "./part.js";
import { usesOtherNetwork } from "./shared-pod.js";

// Most networks of compose files are told apart by policies alone, on the cluster's own network, where every name leads everywhere it may. What that
// cannot do, encryption, a range of its own and addresses of IPv6, is a Network of the cluster.

/** Objects for the networks that need to be Networks of the cluster. */
export function networkObjects(context: ProjectContext): readonly Placed[] {
  const used = new Set([...context.services.values()].flatMap(keysOf));
  return [...(context.model.networks?.value ?? [])].flatMap(([key, { value, place }]) => {
    if (!used.has(key) || !isJoined(context, key)) return [];
    const spec = {
      ...rangesOf(value),
      internal: value.internal?.value === true || undefined,
      encrypted: isEncrypted(value) || undefined,
      // A file that is written for docker is for clusters of one family too.
      ipFamilyPolicy: hasIpv6(value) ? "PreferDualStack" : undefined,
    };
    const name = networkName(context, key);
    return [objectOf(context, { apiVersion: "tallship.dev/v1", kind: "Network", name, place }, { spec })];
  });
}

/** The network's name in the cluster, where some names have a meaning of their own: `default` that of the cluster's own network. */
function networkName({ name }: Pick<ProjectContext, "name">, key: string): string {
  return dnsName(RESERVED_NETWORKS.includes(dnsName(key)) ? `${name}-${key}` : key);
}

function rangesOf(network: NetworkModel): { readonly subnet?: string; readonly subnets?: readonly string[] } {
  const subnet = subnetOf(network)?.value;
  const ipv6 = hasIpv6(network) ? ipv6SubnetOf(network) : undefined;
  const named = ipv6 === undefined || ipv6SubnetError(ipv6.value) !== undefined ? undefined : ipv6.value;
  if (named === undefined) return subnet === undefined ? {} : { subnet };
  return { subnets: subnet === undefined ? [named] : [subnet, named] };
}

/** The annotation that names the networks of the service's pods; nothing where all are told apart by policies. */
export function joinedParts(context: ServiceContext): Readonly<Record<string, Part>> {
  const { service } = context;
  const mode = service.model.network_mode;
  if (mode?.value === "none") return { [NETWORKS]: at(mode.place, NO_NETWORK) };
  const keys = mode?.value === "host" ? [] : keysOf(service);
  const names = [...new Set(keys.map((key) => (isJoined(context, key) ? networkName(context, key) : DEFAULT_NETWORK)))];
  if (names.every((name) => name === DEFAULT_NETWORK)) return {};
  const place = service.model.networks?.place ?? service.place;
  return { [NETWORKS]: at(place, names.join(",")) };
}

/** True for a network that becomes one of the cluster: one that is encrypted, or asks for a range of its own or addresses of IPv6. */
export function isJoined(context: Pick<ProjectContext, "model">, key: string): boolean {
  const network = context.model.networks?.value.get(key)?.value;
  if (network === undefined || network.external !== undefined) return false;
  return isEncrypted(network) || subnetOf(network) !== undefined || hasIpv6(network);
}

/** How many families the names of services lead to: both, where a network that one is on may have both. */
export function nameFamilies(context: ProjectContext): { readonly ipFamilyPolicy?: string } {
  const used = new Set([...context.services.values()].flatMap(keysOf));
  const isDual = [...(context.model.networks?.value ?? [])].some(
    ([key, { value }]) => used.has(key) && isJoined(context, key) && hasIpv6(value),
  );
  return isDual ? { ipFamilyPolicy: "PreferDualStack" } : {};
}

/** What of a network of the cluster's is read and has no effect, by its field. */
export function unhonouredRanges(network: NetworkModel): readonly Unhonoured[] {
  return [...unhonouredFields(network), ...unhonouredIpv6(network)];
}

function unhonouredIpv6(network: NetworkModel): readonly Unhonoured[] {
  const ipv6 = ipv6SubnetOf(network);
  const wrong = ipv6 === undefined ? undefined : ipv6SubnetError(ipv6.value);
  return [
    ...(ipv6 !== undefined && wrong !== undefined && hasIpv6(network)
      ? [{ field: "ipam", place: ipv6.place, why: `a range of IPv6 is drawn: ${wrong}, found ${ipv6.value}` }]
      : []),
    ...(ipv6 !== undefined && !hasIpv6(network)
      ? [{ field: "ipam", place: ipv6.place, why: "enable_ipv6 is false" }]
      : []),
  ];
}

/** What of a range docker's own driver would do and nodes do as they must. */
const RANGE_FIELDS = ["gateway", "ip_range", "aux_addresses"] as const;

function unhonouredFields({ ipam }: NetworkModel): readonly Unhonoured[] {
  return (ipam?.value.config?.value ?? []).flatMap(({ value }) =>
    RANGE_FIELDS.flatMap((name) => {
      const place = value[name]?.place;
      return place === undefined
        ? []
        : [{ field: "ipam", place, why: `${name}: each node has a share of the range, and its gateway in it` }];
    }),
  );
}

/** A field that has no effect, and why. */
export interface Unhonoured {
  readonly field: string;
  readonly place: Place;
  readonly why: string;
}

function keysOf({ model }: ActiveService): readonly string[] {
  if (usesOtherNetwork(model)) return [];
  return [...(model.networks?.value.keys() ?? ["default"])];
}

/** Docker's option for overlay networks: set to anything but false. */
function isEncrypted({ driver_opts: options }: NetworkModel): boolean {
  const value = options?.value.get("encrypted")?.value;
  return value !== undefined && value !== "false" && value !== "0";
}

/** Asked for by name or by a range. */
function hasIpv6(network: NetworkModel): boolean {
  return network.enable_ipv6?.value ?? ipv6SubnetOf(network) !== undefined;
}

/** The first IPv4 range that is asked for. */
function subnetOf(network: NetworkModel): Located<string> | undefined {
  return subnetsOf(network).find(({ value }) => isIpv4(value.split("/")[0] ?? ""));
}

/** The first IPv6 range that is asked for. */
function ipv6SubnetOf(network: NetworkModel): Located<string> | undefined {
  return subnetsOf(network).find(({ value }) => isIpv6(value.split("/")[0] ?? ""));
}

function subnetsOf({ ipam }: NetworkModel): readonly Located<string>[] {
  return (ipam?.value.config?.value ?? []).flatMap(({ value }) => value.subnet ?? []);
}
