import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { fnv } from "../../../lib/stable-hash.js";
import type { Endpoint } from "../../../proto/gen/tallship/v1/endpointslice.js";
import { type Service, type ServiceNetworkAddress, ServiceStatus } from "../../../proto/gen/tallship/v1/service.js";
import { addressText, hostsOf } from "../../api/taken/address-range.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import { type Controller, NOTHING, type Outcome } from "../controller.js";
import { replace } from "../writes.js";

const serviceLabel = "kubernetes.io/service-name";

/** What addresses are taken from. */
export interface ServiceAddressParts {
  readonly serviceCIDR: string;
  /** The resolver's, which no service gets. */
  readonly dnsAddress: string;
}

/**
 * Gives services whose pods are on several networks a virtual address for each network. The service's own address stays that of the network which its
 * pods have first; what was given stays while the service has an address at all, so that what clients remember stays true.
 */
export function serviceAddresses(parts: ServiceAddressParts): Controller {
  return {
    name: "service-addresses",
    keysFor,
    reconcile: (key, view) => reconcile(key, view, parts),
  };
}

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "Service") return [key];
  if (key.kind !== "EndpointSlice") return [];
  return [before, after].flatMap((each) => {
    const slice = ofKind(each, "EndpointSlice")?.object;
    const name = slice?.metadata?.labels[serviceLabel];
    if (name === undefined || !slice?.endpoints.some(({ networks }) => networks.length > 0)) return [];
    const service: ObjectKey = { kind: "Service", namespace: key.namespace, name };
    return view.get("Service", key.namespace, name) === undefined ? [] : [service];
  });
}

function reconcile({ namespace, name }: ObjectKey, view: View, parts: ServiceAddressParts): Outcome {
  const cached = view.cached("Service", namespace, name);
  if (cached === undefined || isDeleting(cached.object)) return NOTHING;
  const before = cached.object.status?.networkAddresses ?? [];
  const after = addressesFor(cached, view, parts);
  if (deepEqual(after, before)) return NOTHING;
  const status = { ...(cached.object.status ?? ServiceStatus.fromPartial({})), networkAddresses: [...after] };
  return { writes: [replace(cached, { ...cached.object, status })] };
}

function addressesFor(
  { object }: Cached<"Service">,
  view: View,
  parts: ServiceAddressParts,
): readonly ServiceNetworkAddress[] {
  const { clusterIP = "" } = object.spec ?? {};
  if (clusterIP === "" || clusterIP === "None") return [];
  const { namespace, name, uid } = metaOf(object);
  const endpoints = view
    .withLabels("EndpointSlice", namespace, { [serviceLabel]: name })
    // Of IPv6 there is the service's own address alone: who is on further networks asks by IPv4.
    .filter(({ object: { addressType } }) => addressType !== "IPv6")
    .flatMap((slice) => slice.object.endpoints);
  const held = object.status?.networkAddresses ?? [];
  const networks = new Set(endpoints.flatMap((endpoint) => endpoint.networks.map((each) => each.name)));
  const isNeeded = held.length > 0 || networks.size > 1;
  if (!isNeeded) return [];
  const own = held.find(({ address }) => address === clusterIP)?.network ?? firstNetworkOf(endpoints);
  const missing = [...networks].filter((network) => network !== own && !held.some((each) => each.network === network));
  const isOwnHeld = held.some(({ network, address }) => network === own && address === clusterIP);
  if (missing.length === 0 && isOwnHeld) return held;
  const taken = new Set([parts.dnsAddress, ...view.list("Service").flatMap((each) => addressesOf(each.object))]);
  const kept = held.filter(({ network, address }) => network !== own && address !== clusterIP);
  const given = missing.sort().flatMap((network) => {
    const address = freeAddress(`${uid}/${network}`, parts.serviceCIDR, taken);
    if (address === undefined) return [];
    taken.add(address);
    return [{ network, address }];
  });
  return [{ network: own, address: clusterIP }, ...kept, ...given];
}

/** The first network of the first endpoint that names one. */
function firstNetworkOf(endpoints: readonly Endpoint[]): string {
  return endpoints.find(({ networks }) => networks.length > 0)?.networks[0]?.name ?? "";
}

function addressesOf({ spec, status }: Service): readonly string[] {
  return [
    spec?.clusterIP ?? "",
    ...(spec?.clusterIPs ?? []),
    ...(status?.networkAddresses ?? []).map(({ address }) => address),
  ];
}

/** Begins at a place that the name gives, so that two services rarely meet. Undefined when all are taken: clients are led by the service's own address then. */
function freeAddress(name: string, cidr: string, taken: ReadonlySet<string>): string | undefined {
  const { first, count } = hostsOf(cidr);
  const start = fnv(name) % count;
  for (let step = 0; step < count; step += 1) {
    const address = addressText(first + ((start + step) % count));
    if (!taken.has(address)) return address;
  }
  return undefined;
}
