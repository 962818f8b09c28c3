import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Service, ServicePort } from "../../proto/gen/tallship/v1/service.js";
import { type Family, familyOf } from "../family.js";
import type { NetworkMap } from "../node-network.js";
import { chooseEndpoints, type EndpointAddress } from "../proxy/endpoint-choice.js";
import { SERVICE_NAME_LABEL } from "../proxy/service-index.js";
import type { ServerChange } from "./ingress-proxy.js";
import type { Backend } from "./routing.js";
import { isSamePlace, placeEndpoints, type ServerSlots } from "./server-slots.js";

type Seen = Pick<NetworkMap, "services" | "endpointSlices"> & { readonly backends: readonly Backend[] };

/** The endpoints of every backend, each at its place, and what the proxy was not told of yet. */
export class BackendServers {
  private placed = new Map<string, ServerSlots>();
  private untold = new Map<string, ServerChange>();
  private seen: Seen | undefined;

  /** Places of endpoints, by backend. */
  get slots(): ReadonlyMap<string, ServerSlots> {
    return this.placed;
  }

  /** Takes the endpoints of the map; returns everything that the proxy does not know. */
  update(backends: readonly Backend[], map: NetworkMap): readonly ServerChange[] {
    const { services, endpointSlices } = map;
    const { seen } = this;
    const isSame = seen?.services === services && seen.endpointSlices === endpointSlices && seen.backends === backends;
    if (!isSame) this.place(backends, map);
    this.seen = { services, endpointSlices, backends };
    return [...this.untold.values()];
  }

  /** The proxy knows everything. */
  told(): void {
    this.untold = new Map();
  }

  /** There is no proxy any more. */
  clear(): void {
    this.placed = new Map();
    this.untold = new Map();
    this.seen = undefined;
  }

  private place(backends: readonly Backend[], map: NetworkMap): void {
    const slices = slicesOf(new Set(backends.map(({ service }) => service)), map.endpointSlices);
    const next = new Map<string, ServerSlots>();
    for (const backend of backends) {
      const before = this.placed.get(backend.id) ?? [];
      const endpoints = endpointsOf(backend, map.services.get(backend.service), slices.get(backend.service) ?? []);
      const after = placeEndpoints(before, endpoints);
      next.set(backend.id, after);
      for (const [at, address] of after.entries())
        if (before.length === 0 || !isSamePlace(before[at], address))
          this.untold.set(`${backend.id}/${at}`, { backend: backend.id, at, address });
    }
    this.placed = next;
    // Of a backend that is gone there is nothing to tell, and nobody to tell it to.
    for (const [place, { backend }] of this.untold) if (!next.has(backend)) this.untold.delete(place);
  }
}

/** The service's first one: its pods answer by that, whatever clients of the proxy came by. */
function familyFor(service: Service | undefined): Family {
  const { ipFamilies = [], clusterIP = "" } = service?.spec ?? {};
  return (ipFamilies[0] ?? familyOf(clusterIP)) === "IPv6" ? "IPv6" : "IPv4";
}

function slicesOf(
  wanted: ReadonlySet<string>,
  slices: ReadonlyMap<string, EndpointSlice>,
): ReadonlyMap<string, readonly EndpointSlice[]> {
  const found = new Map<string, EndpointSlice[]>();
  for (const slice of slices.values()) {
    const owner = `${slice.metadata?.namespace ?? ""}/${slice.metadata?.labels[SERVICE_NAME_LABEL] ?? ""}`;
    if (!wanted.has(owner)) continue;
    const known = found.get(owner);
    if (known === undefined) found.set(owner, [slice]);
    else known.push(slice);
  }
  return found;
}

function endpointsOf(
  { port }: Backend,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): readonly EndpointAddress[] {
  const isMeant = ({ name, port: number }: ServicePort): boolean =>
    port.name !== "" ? name === port.name : number === port.number;
  const meant = service?.spec?.ports.find(isMeant);
  if (meant === undefined) return [];
  const place = { nodeName: "", zone: "", family: familyFor(service) };
  return chooseEndpoints(meant, slices, "any", { place, network: undefined });
}
