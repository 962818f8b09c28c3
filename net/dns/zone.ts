import { DEFAULT_NETWORK } from "../../kinds/network.js";
import { familyOf } from "../family.js";
import type { NameEntry, ServiceNames } from "./service-names.js";

/** A name that stands above others and has no record of its own. */
const EMPTY: NameEntry = {};

/** Address of who asks; undefined: somebody who is on the cluster's own network alone. */
export type Asker = string | undefined;

const PLAIN: readonly string[] = [DEFAULT_NETWORK];

/**
 * The cluster's domain as the process that answers holds it: names by what each service brings. A change costs as much as the service
 * that changed. Names are lower case and have no dot at the end.
 */
export class Zone {
  readonly domain: string;
  private readonly services = new Map<string, ServiceNames>();
  private readonly entries = new Map<string, NameEntry>();
  /** How many names stand below each name that has no entry of its own. */
  private readonly below = new Map<string, number>();
  /** Services that give an address a name, in the order they came: the first is answered. */
  private readonly reverse = new Map<string, readonly string[]>();

  /** Networks of those who are not on the cluster's own alone, by their first address. */
  private readonly askers = new Map<string, readonly string[]>();

  constructor(domain: string) {
    this.domain = domain;
  }

  /** Names that have records. */
  get nameCount(): number {
    return this.entries.size;
  }

  /** What a name means to who asks; undefined when it does not exist. */
  entry(name: string, asker?: Asker): NameEntry | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined) return this.below.has(name) ? EMPTY : undefined;
    return entry.on === undefined ? entry : this.seen(entry, entry.on, asker);
  }

  /** Sets the networks of the pod with a first address, in its order; undefined when there is none, or it is on the cluster's own alone. */
  setAsker(address: string, networks: readonly string[] | undefined): void {
    if (networks === undefined) this.askers.delete(address);
    else this.askers.set(address, networks);
  }

  /** The name of an address. */
  nameOf(address: string): string | undefined {
    const [key] = this.reverse.get(address) ?? [];
    return key === undefined ? undefined : this.services.get(key)?.reverse[address];
  }

  /** Forgets everything. */
  clear(): void {
    for (const map of [this.services, this.entries, this.below, this.reverse, this.askers]) map.clear();
  }

  /** Sets what a service brings; undefined takes it away. */
  set(key: string, next: ServiceNames | undefined): void {
    const former = this.services.get(key);
    if (former !== undefined) this.remove(key, former);
    if (next === undefined) return;
    this.services.set(key, next);
    for (const [name, entry] of Object.entries(next.names)) {
      this.entries.set(name, entry);
      this.count(name, 1);
    }
    for (const address of Object.keys(next.reverse))
      this.reverse.set(address, [...(this.reverse.get(address) ?? []), key]);
  }

  /** Of several endpoints each is reached by the first of the asker's networks that it is on. Else the first of them for which there is an answer decides; where the name is known on some of them and leads nowhere, it has no address. */
  private seen(entry: NameEntry, on: Readonly<Record<string, NameEntry>>, asker: Asker): NameEntry {
    const networks = (asker === undefined ? undefined : this.askers.get(asker)) ?? PLAIN;
    const led = (entry.places ?? []).flatMap((place) =>
      networks.flatMap((network) => place[network] ?? []).slice(0, 1),
    );
    if (led.length > 0) return addressesOf(led);
    const shared = networks.flatMap((network) => on[network] ?? []);
    return shared.find(({ a = [], aaaa = [] }) => a.length + aaaa.length > 0) ?? shared[0] ?? entry;
  }

  private remove(key: string, former: ServiceNames): void {
    this.services.delete(key);
    for (const name of Object.keys(former.names)) if (this.entries.delete(name)) this.count(name, -1);
    for (const address of Object.keys(former.reverse)) {
      const left = (this.reverse.get(address) ?? []).filter((each) => each !== key);
      if (left.length > 0) this.reverse.set(address, left);
      else this.reverse.delete(address);
    }
  }

  /** Every name above one that exists, exists: asked for, it has no records instead of not being there. */
  private count(name: string, step: number): void {
    for (let above = parentOf(name); above.length > this.domain.length; above = parentOf(above)) {
      const count = (this.below.get(above) ?? 0) + step;
      if (count > 0) this.below.set(above, count);
      else this.below.delete(above);
    }
  }
}

function addressesOf(addresses: readonly string[]): NameEntry {
  const a = addresses.filter((address) => familyOf(address) === "IPv4");
  const aaaa = addresses.filter((address) => familyOf(address) === "IPv6");
  return { ...(a.length > 0 && { a }), ...(aaaa.length > 0 && { aaaa }) };
}

function parentOf(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1);
}
