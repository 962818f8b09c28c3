import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import type { NetworkMap } from "../node-network.js";

/** Label of a slice that names its service. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** A service that changed, with its slices before and now. */
export interface ServiceChange {
  /** namespace/name. */
  readonly key: string;
  /** Undefined when it is gone. */
  readonly service: Service | undefined;
  readonly slices: readonly EndpointSlice[];
  readonly formerSlices: readonly EndpointSlice[];
}

type Slices = ReadonlyMap<string, EndpointSlice>;

/**
 * Knows which slices belong to which service, and which services differ between two maps. Costs one comparison of references per
 * object, since objects are immutable; services that did not change cost no more.
 */
export class ServiceIndex {
  private services: ReadonlyMap<string, Service> = new Map();
  private slices: Slices = new Map();
  private readonly slicesOf = new Map<string, Map<string, EndpointSlice>>();

  /** Services that differ from the last map, in order of their keys. */
  advance(map: Pick<NetworkMap, "services" | "endpointSlices">): readonly ServiceChange[] {
    const dirty = new Set<string>(changedKeys(this.services, map.services));
    const former = new Map<string, readonly EndpointSlice[]>();
    for (const sliceKey of changedKeys(this.slices, map.endpointSlices)) {
      const [before, after] = [this.slices.get(sliceKey), map.endpointSlices.get(sliceKey)];
      for (const owner of [serviceKeyOf(before), serviceKeyOf(after)]) {
        if (owner === undefined) continue;
        dirty.add(owner);
        if (!former.has(owner)) former.set(owner, this.slicesFor(owner));
      }
      this.forget(sliceKey, before);
      this.remember(sliceKey, after);
    }
    this.services = map.services;
    this.slices = map.endpointSlices;
    return [...dirty].sort().map((key) => {
      const slices = this.slicesFor(key);
      return { key, service: map.services.get(key), slices, formerSlices: former.get(key) ?? slices };
    });
  }

  /** The service and its slices as of the last map. */
  current(key: string): ServiceChange {
    const slices = this.slicesFor(key);
    return { key, service: this.services.get(key), slices, formerSlices: slices };
  }

  private slicesFor(key: string): readonly EndpointSlice[] {
    const owned = this.slicesOf.get(key);
    if (owned === undefined) return [];
    return [...owned].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, slice]) => slice);
  }

  private remember(sliceKey: string, slice: EndpointSlice | undefined): void {
    const owner = serviceKeyOf(slice);
    if (owner === undefined || slice === undefined) return;
    const owned = this.slicesOf.get(owner) ?? new Map<string, EndpointSlice>();
    owned.set(sliceKey, slice);
    this.slicesOf.set(owner, owned);
  }

  private forget(sliceKey: string, slice: EndpointSlice | undefined): void {
    const owner = serviceKeyOf(slice);
    if (owner === undefined) return;
    const owned = this.slicesOf.get(owner);
    owned?.delete(sliceKey);
    if (owned?.size === 0) this.slicesOf.delete(owner);
  }
}

/** namespace/name of the service that a slice belongs to; undefined when it names none. */
export function serviceKeyOf(slice: EndpointSlice | undefined): string | undefined {
  const name = slice?.metadata?.labels[SERVICE_NAME_LABEL];
  return name === undefined || name === "" ? undefined : `${slice?.metadata?.namespace ?? ""}/${name}`;
}

/** Keys whose values are not the same reference in both maps. */
export function* changedKeys<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): Iterable<string> {
  if (before === after) return;
  for (const [key, value] of after) if (before.get(key) !== value) yield key;
  for (const key of before.keys()) if (!after.has(key)) yield key;
}
