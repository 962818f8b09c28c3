import { DEFAULT_NETWORK } from "../../kinds/network.js";
import type { Endpoint, EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { familyOf, isAddress } from "../family.js";
import { isReached, isReady, placesOf } from "../proxy/endpoint-choice.js";
import { clusterIPOf } from "../proxy/service-targets.js";

/** One service record. */
export interface SrvRecord {
  readonly port: number;
  /** Name of the host that answers. */
  readonly target: string;
}

/** What is known of one name. */
export interface NameEntry {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly srv?: readonly SrvRecord[];
  readonly cname?: string;
  /** What the name means to pods that are on one of these networks, by namespace/name; who is on none of them gets the entry itself. */
  readonly on?: Readonly<Record<string, NameEntry>>;
  /** Of a name that stands for several endpoints, each apart: its address by network. Who shares several networks with them is led to all, to each by one. */
  readonly places?: readonly Readonly<Record<string, string>>[];
}

/** Every name that one service brings, lower case and without a dot at the end, and the names of addresses. */
export interface ServiceNames {
  readonly names: Readonly<Record<string, NameEntry>>;
  readonly reverse: Readonly<Record<string, string>>;
}

/** Where names are answered. */
export interface AnswerPlace {
  /** The cluster's domain. */
  readonly domain: string;
  readonly nodeName: string;
}

/**
 * The names of a service: its own, and those of named ports; for a headless one also those of its endpoints, by hostname or by
 * address with dashes. On a bridge network they lead to the pods of this node alone, since there is no way to the others. Undefined when it brings none. Equal input, equal
 * result, in the same order.
 */
export function namesOf(
  key: string,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  { domain, nodeName }: AnswerPlace,
): ServiceNames | undefined {
  const spec = service?.spec;
  if (service === undefined || spec === undefined) return undefined;
  const [namespace = "", name = ""] = key.split("/");
  const base = `${name}.${namespace}.svc.${domain}`.toLowerCase();
  const found = new Names();
  const isOnSeveral = slices.some(({ endpoints }) => endpoints.some(({ networks }) => networks.length > 0));
  if (spec.type === "ExternalName") found.alias(base, spec.externalName);
  else if (spec.clusterIP === "None")
    addHeadless(found, { base, namespace, nodeName, isOnSeveral }, spec.publishNotReadyAddresses, slices);
  else addVirtual(found, { base, namespace }, service);
  return found.result();
}

/** The names of a service that has addresses of its own. */
function addVirtual(found: Names, { base, namespace }: Pick<Home, "base" | "namespace">, service: Service): void {
  const { spec } = service;
  const addresses = FAMILIES.flatMap((family) => clusterIPOf(spec, family) ?? []);
  if (spec === undefined || addresses.length === 0) return;
  for (const address of addresses) {
    found.address(base, address);
    found.reverse.set(address, base);
  }
  for (const { network, address } of service.status?.networkAddresses ?? []) {
    found.addressOn(base, networkKey(namespace, network), address);
    found.reverse.set(address, base);
  }
  for (const { name: port, protocol, port: number } of spec.ports)
    found.service(base, { port, protocol }, { port: number, target: base });
}

const FAMILIES = ["IPv4", "IPv6"] as const;

/** Addresses while they are collected: thousands of endpoints may stand behind a name, and each address counts once. */
interface CollectedAddresses {
  readonly a: Set<string>;
  readonly aaaa: Set<string>;
}

/** A name while it is collected. */
interface Collected extends CollectedAddresses {
  readonly srv: SrvRecord[];
  cname: string | undefined;
  /** Its addresses on networks. */
  readonly on: Map<string, CollectedAddresses>;
  readonly places: Readonly<Record<string, string>>[];
}

/** How networks are told apart in entries: by namespace/name, the cluster's own by its name alone. */
export function networkKey(namespace: string, network: string): string {
  return network === DEFAULT_NETWORK ? network : `${namespace}/${network}`;
}

/** Collects what one service brings. */
class Names {
  readonly reverse = new Map<string, string>();
  private readonly entries = new Map<string, Collected>();

  address(name: string, address: string): void {
    addTo(this.entry(name), address);
  }

  /** The same address for the name on one network. */
  addressOn(name: string, network: string, address: string): void {
    addTo(this.isOn(name, network), address);
  }

  /** The name is there on one network, whether or not anybody is. */
  isOn(name: string, network: string): CollectedAddresses {
    const { on } = this.entry(name);
    const there = on.get(network) ?? { a: new Set(), aaaa: new Set() };
    on.set(network, there);
    return there;
  }

  /** One of those that a name stands for, by its addresses on networks. */
  place(name: string, place: Readonly<Record<string, string>>): void {
    if (Object.keys(place).length > 0) this.entry(name).places.push(place);
  }

  service(base: string, { port, protocol }: { port: string; protocol: string }, record: SrvRecord): void {
    if (port === "") return;
    this.entry(`_${port}._${protocol || "TCP"}.${base}`.toLowerCase()).srv.push(record);
  }

  alias(name: string, target: string): void {
    if (target !== "") this.entry(name).cname = target.toLowerCase().replace(/\.$/, "");
  }

  /** Whether the name has addresses of both families. */
  hasTwo(name: string): boolean {
    const { a, aaaa } = this.entry(name);
    return a.size > 0 && aaaa.size > 0;
  }

  exists(name: string): void {
    this.entry(name);
  }

  result(): ServiceNames | undefined {
    if (this.entries.size === 0) return undefined;
    const names = [...this.entries].map(([name, entry]) => [name, entryOf(entry)] as const);
    return { names: Object.fromEntries(names), reverse: Object.fromEntries(this.reverse) };
  }

  private entry(name: string): Collected {
    const known = this.entries.get(name);
    if (known !== undefined) return known;
    const entry: Collected = { a: new Set(), aaaa: new Set(), srv: [], cname: undefined, on: new Map(), places: [] };
    this.entries.set(name, entry);
    return entry;
  }
}

function addTo(addresses: CollectedAddresses, address: string): void {
  addresses[familyOf(address) === "IPv4" ? "a" : "aaaa"].add(address);
}

/** On a network it is there also where it leads nowhere. */
function entryOn({ a, aaaa }: CollectedAddresses): NameEntry {
  return { a: [...a], ...(aaaa.size > 0 && { aaaa: [...aaaa] }) };
}

/** What there is of it: a field that is empty is none. */
function entryOf({ a, aaaa, srv, cname, on, places }: Collected): NameEntry {
  return {
    ...(a.size > 0 && { a: [...a] }),
    ...(aaaa.size > 0 && { aaaa: [...aaaa] }),
    ...(srv.length > 0 && { srv }),
    ...(cname !== undefined && { cname }),
    ...(on.size > 0 && { on: Object.fromEntries([...on].map(([network, there]) => [network, entryOn(there)])) }),
    ...(places.length > 1 && { places }),
  };
}

/** A headless service exists even when nobody is behind it: its name is there and has no address. */
function addHeadless(found: Names, home: Home, isAll: boolean, slices: readonly EndpointSlice[]): void {
  found.exists(home.base);
  for (const slice of slices) {
    if (slice.addressType === "FQDN") continue;
    for (const endpoint of slice.endpoints) if (isAll || isReady(endpoint)) addEndpoint(found, home, endpoint, slice);
  }
}

interface Home {
  readonly base: string;
  readonly namespace: string;
  /** The node that answers. */
  readonly nodeName: string;
  /** False while all endpoints are on the cluster's own network alone. */
  readonly isOnSeveral: boolean;
}

function addEndpoint(
  found: Names,
  { base, namespace, nodeName, isOnSeveral }: Home,
  endpoint: Endpoint,
  { ports }: EndpointSlice,
): void {
  const { addresses, hostname } = endpoint;
  const address = addresses[0] ?? "";
  if (!isAddress(familyOf(address), address)) return;
  const host = `${hostname || address.replaceAll(/[.:]/g, "-")}.${base}`.toLowerCase();
  found.address(base, address);
  found.address(host, address);
  found.reverse.set(address, host);
  const place: Record<string, string> = {};
  for (const { name, address: there } of isOnSeveral ? placesOf(endpoint) : []) {
    if (!isAddress(familyOf(there), there)) continue;
    const isNear = isReached(endpoint, { place: { nodeName, zone: "" }, network: name });
    for (const each of [base, host]) {
      if (isNear) found.addressOn(each, networkKey(namespace, name), there);
      else found.isOn(each, networkKey(namespace, name));
    }
    if (isNear) place[networkKey(namespace, name)] = there;
    found.reverse.set(there, host);
  }
  found.place(base, place);
  // Of a host with addresses of both families there is one record.
  const isKnown = hostname !== "" && familyOf(address) === "IPv6" && found.hasTwo(host);
  if (isKnown) return;
  for (const { name, protocol, port } of ports) found.service(base, { port: name, protocol }, { port, target: host });
}
