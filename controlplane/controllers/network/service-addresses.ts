import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { fnv } from "../../../lib/stable-hash.js";
import { type Family, familyOf } from "../../../net/family.js";
import { clusterIPOf } from "../../../net/proxy/service-targets.js";
import { type Service, type ServiceNetworkAddress, ServiceStatus } from "../../../proto/gen/tallship/v1/service.js";
import { type AddressRanges, addressPool } from "../../api/taken/service-families.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import { type Controller, NOTHING, type Outcome } from "../controller.js";
import { replace } from "../writes.js";

const serviceLabel = "kubernetes.io/service-name";
const FAMILIES = ["IPv4", "IPv6"] as const;

/** What addresses are taken from. The resolver's no service gets. */
export type ServiceAddressParts = AddressRanges;

/**
 * Gives services whose pods are on several networks a virtual address for each network, of each family that they have and their pods have there. The service's own
 * address of a family stays that of the network which its pods have first; what was given stays while the service has an address of the family at all, so that what
 * clients remember stays true.
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
  const { namespace, name, uid } = metaOf(object);
  const held = object.status?.networkAddresses ?? [];
  const slices = view.withLabels("EndpointSlice", namespace, { [serviceLabel]: name });
  const halves = FAMILIES.flatMap((family): readonly Half[] => {
    const own = clusterIPOf(object.spec, family);
    if (own === undefined) return [];
    const isIpv6 = family === "IPv6";
    const endpoints = slices
      .filter((slice) => (slice.object.addressType === "IPv6") === isIpv6)
      .flatMap((slice) => slice.object.endpoints);
    const networks = new Set(endpoints.flatMap((endpoint) => endpoint.networks.map((each) => each.name)));
    const first = endpoints.find((endpoint) => endpoint.networks.length > 0)?.networks[0]?.name;
    return [{ family, own, networks, first, held: held.filter(({ address }) => familyOf(address) === family) }];
  });
  const isNeeded = held.length > 0 || halves.some(({ networks }) => networks.size > 1);
  if (!isNeeded) return [];
  const free = addressesFree(uid, view, parts);
  return halves.flatMap((half) => completed(half, free));
}

/** What a service has of one family. */
interface Half {
  readonly family: Family;
  /** Its own address. */
  readonly own: string;
  /** Those that pods behind it are on. */
  readonly networks: ReadonlySet<string>;
  /** The first network of the first of them that names one. */
  readonly first: string | undefined;
  readonly held: readonly ServiceNetworkAddress[];
}

/** Finds an address for a network; undefined when all are taken: clients are led by the service's own address then. */
type FreeAddress = (family: Family, network: string) => string | undefined;

/** The service's own address for the network that it is for, then what was given before, then what is new. */
function completed({ family, own, networks, first, held }: Half, free: FreeAddress): readonly ServiceNetworkAddress[] {
  const ownNetwork = held.find(({ address }) => address === own)?.network ?? first;
  const kept = held.filter(({ network, address }) => network !== ownNetwork && address !== own);
  const missing = [...networks].filter(
    (network) => network !== ownNetwork && !kept.some((each) => each.network === network),
  );
  const given = missing.sort().flatMap((network) => {
    const address = free(family, network);
    return address === undefined ? [] : [{ network, address }];
  });
  return [...(ownNetwork === undefined ? [] : [{ network: ownNetwork, address: own }]), ...kept, ...given];
}

/** Begins at a place that the names of service and network give, so that two services rarely meet. Never the same twice. */
function addressesFree(uid: string, view: View, parts: ServiceAddressParts): FreeAddress {
  let taken: Set<string> | undefined;
  return (family, network) => {
    taken ??= new Set(view.list("Service").flatMap((each) => addressesOf(each.object)));
    const { range, text, reserved } = addressPool(family, parts);
    const start = fnv(`${uid}/${network}`) % range.count;
    for (let step = 0; step < range.count; step += 1) {
      const address = text(range.first + ((start + step) % range.count));
      if (taken.has(address) || reserved.includes(address)) continue;
      taken.add(address);
      return address;
    }
    return undefined;
  };
}

function addressesOf({ spec, status }: Service): readonly string[] {
  return [
    spec?.clusterIP ?? "",
    ...(spec?.clusterIPs ?? []),
    ...(status?.networkAddresses ?? []).map(({ address }) => address),
  ];
}
