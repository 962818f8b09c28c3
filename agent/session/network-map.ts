import type { NetworkMap } from "../../net/node-network.js";
import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Ingress, IngressClass } from "../../proto/gen/tallship/v1/ingress.js";
import type { Network } from "../../proto/gen/tallship/v1/network.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import type { ObjectChange, WatchUpdate } from "./watch-objects.js";

/** The map before anything is known. */
export const EMPTY_MAP: NetworkMap = {
  revision: 0,
  nodes: new Map(),
  services: new Map(),
  endpointSlices: new Map(),
  ingresses: new Map(),
  ingressClasses: new Map(),
  networks: new Map(),
};

/** The kinds that the network map is made of. */
export const MAP_KINDS = ["Node", "Service", "EndpointSlice", "Ingress", "IngressClass", "Network"] as const;

/** The map after an update. Unchanged parts are shared. */
export function nextMap(map: NetworkMap, { changes, revision, isWhole }: WatchUpdate): NetworkMap {
  const from = isWhole ? EMPTY_MAP : map;
  const of = (kind: string): readonly ObjectChange[] => changes.filter(({ key }) => key.startsWith(`${kind}/`));
  return {
    revision,
    nodes: patched(from.nodes, of("Node"), ({ typed }) => (typed?.kind === "Node" ? typed.object : undefined)),
    services: patched(from.services, of("Service"), ({ typed }) =>
      typed?.kind === "Service" ? typed.object : undefined,
    ),
    endpointSlices: patched(from.endpointSlices, of("EndpointSlice"), ({ typed }) =>
      typed?.kind === "EndpointSlice" ? typed.object : undefined,
    ),
    ingresses: patched(from.ingresses, of("Ingress"), ({ typed }) =>
      typed?.kind === "Ingress" ? typed.object : undefined,
    ),
    ingressClasses: patched(from.ingressClasses, of("IngressClass"), ({ typed }) =>
      typed?.kind === "IngressClass" ? typed.object : undefined,
    ),
    networks: patched(from.networks, of("Network"), ({ typed }) =>
      typed?.kind === "Network" ? typed.object : undefined,
    ),
  };
}

/** The services of a namespace. */
export function servicesIn({ services }: NetworkMap, namespace: string): readonly Service[] {
  return [...services.values()].filter(({ metadata }) => metadata?.namespace === namespace);
}

function patched<T extends Node | Service | EndpointSlice | Ingress | IngressClass | Network>(
  map: ReadonlyMap<string, T>,
  changes: readonly ObjectChange[],
  objectOf: (change: ObjectChange) => T | undefined,
): ReadonlyMap<string, T> {
  if (changes.length === 0) return map;
  const next = new Map(map);
  for (const change of changes) {
    const object = objectOf(change);
    const key = change.key.slice(change.key.indexOf("/") + 1).replace(/^\//, "");
    if (object === undefined) next.delete(key);
    else next.set(key, object);
  }
  return next;
}
