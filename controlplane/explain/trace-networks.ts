import { DEFAULT_NETWORK, networksOf } from "../../kinds/network.js";
import { metaOf } from "../../kinds/object.js";
import { addressOn, isReached, placesOf, type Whence } from "../../net/proxy/endpoint-choice.js";
import { clusterIPOf } from "../../net/proxy/service-targets.js";
import type { Endpoint, EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";

/** The networks of a client, in its order, of those that a service of the namespace can be on. Undefined: a host, which reaches all. */
export function clientNetworks(pod: Pod | undefined, namespace: string): readonly string[] | undefined {
  if (pod === undefined || pod.spec?.hostNetwork === true) return undefined;
  const isAtHome = metaOf(pod).namespace === namespace;
  return networksOf(pod.metadata).filter((network) => isAtHome || network === DEFAULT_NETWORK);
}

/** Who asks for a name. */
export interface NameAsker {
  readonly nodeName: string;
  /** Undefined: a host. */
  readonly networks: readonly string[] | undefined;
}

/**
 * What a name leads a client to: the addresses on the first of its networks on which there are any, else what everybody gets. Of pods on a bridge network those of the
 * client's node.
 */
export function namedAddresses(
  { spec, status }: Service,
  slices: readonly EndpointSlice[],
  { nodeName, networks = [DEFAULT_NETWORK] }: NameAsker,
): readonly string[] {
  if (spec?.clusterIP !== "None") {
    const given = status?.networkAddresses ?? [];
    const shared = networks.find((name) => given.some(({ network }) => network === name));
    if (shared !== undefined) return given.filter(({ network }) => network === shared).map(({ address }) => address);
    return (["IPv4", "IPv6"] as const).flatMap((family) => clusterIPOf(spec, family) ?? []);
  }
  const shown = slices.flatMap(({ endpoints }) =>
    endpoints.filter(({ conditions }) => spec.publishNotReadyAddresses || conditions?.ready !== false),
  );
  const isOnSeveral = shown.some((endpoint) => endpoint.networks.length > 0);
  const on = (network: string): readonly Endpoint[] => shown.filter((each) => addressOn(each, network) !== undefined);
  const near = (network: string): readonly Endpoint[] =>
    on(network).filter((endpoint) => isReached(endpoint, { place: { nodeName, zone: "" }, network }));
  const shared =
    networks.find((network) => near(network).length > 0) ?? networks.find((network) => on(network).length > 0);
  if (!isOnSeveral || shared === undefined) return shown.flatMap(({ addresses }) => addresses[0] ?? []).sort();
  return near(shared)
    .flatMap((endpoint) => addressOn(endpoint, shared) ?? [])
    .sort();
}

/** Why one of a service's addresses does not lead to an endpoint, by networks; empty when that is not why. */
export function elsewhereText(endpoint: Endpoint, whence: Whence): string {
  if (addressOn(endpoint, whence.network) === undefined) return `it is not on network ${whence.network}`;
  return isReached(endpoint, whence) ? "" : "on another node, and its network is of driver bridge";
}

/** Why networks keep a client from an endpoint at an address; empty when they do not. */
export function apartText(endpoint: Endpoint, ip: string, networks: readonly string[] | undefined): string {
  const network = placesOf(endpoint).find(({ address }) => address === ip)?.name;
  if (networks === undefined || network === undefined || networks.includes(network)) return "";
  const name = network === DEFAULT_NETWORK ? "the cluster's own network" : `network ${network}`;
  return `it is reached on ${name}, which the client is not on`;
}
