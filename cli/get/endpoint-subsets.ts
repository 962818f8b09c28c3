import { type JsonObject, messageToJson } from "../../kinds/encode.js";
import { metaOf } from "../../kinds/object.js";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import type { Cluster } from "../cluster.js";
import { listObjects } from "../objects.js";

/** A service and what stands behind it. */
export interface ServiceView {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
}

/** Endpoints with equal ports, as Kubernetes' Endpoints have them. */
export interface EndpointSubset {
  readonly ports: readonly EndpointPort[];
  readonly ready: readonly Endpoint[];
  /** Those that are going are in neither. */
  readonly notReady: readonly Endpoint[];
}

/** Which services are looked at. */
export interface ServiceQuery {
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly labels?: string | undefined;
  readonly fields?: string | undefined;
}

/** The services that have endpoints, or could, each with its slices. */
export async function servicesWithSlices(
  cluster: Cluster,
  query: ServiceQuery,
  signal: AbortSignal,
): Promise<readonly ServiceView[]> {
  const { namespace } = query;
  const [services, slices] = await Promise.all([
    listObjects(cluster, { kind: "Service", ...query }, signal),
    listObjects(cluster, { kind: "EndpointSlice", namespace }, signal),
  ]);
  const all = slices.objects.flatMap((typed) => (typed.kind === "EndpointSlice" ? [typed.object] : []));
  return services.objects.flatMap((typed) => {
    if (typed.kind !== "Service" || typed.object.spec?.type === "ExternalName") return [];
    const { namespace: space, name } = metaOf(typed.object);
    const isOf = (slice: EndpointSlice): boolean => {
      const meta = metaOf(slice);
      return meta.namespace === space && meta.labels["kubernetes.io/service-name"] === name;
    };
    return [{ service: typed.object, slices: all.filter(isOf) }];
  });
}

/** The endpoints of a service's first family, in groups of equal ports. Who lacks the port that the service targets is in none. */
export function subsetsOf({ service, slices }: ServiceView): readonly EndpointSubset[] {
  const { ports: asked = [], ipFamilies = [] } = service.spec ?? {};
  const family = ipFamilies[0] ?? "IPv4";
  const found = new Map<string, { ports: readonly EndpointPort[]; ready: Endpoint[]; notReady: Endpoint[] }>();
  for (const { addressType, ports, endpoints } of slices) {
    if (addressType !== family || (ports.length === 0 && asked.length > 0)) continue;
    const key = JSON.stringify(ports);
    const subset = found.get(key) ?? { ports, ready: [], notReady: [] };
    found.set(key, subset);
    for (const endpoint of endpoints)
      if (endpoint.conditions?.ready !== false) subset.ready.push(endpoint);
      else if (endpoint.conditions.terminating !== true) subset.notReady.push(endpoint);
  }
  return [...found.values()].filter(({ ready, notReady }) => ready.length + notReady.length > 0);
}

/** The Endpoints that Kubernetes would have for the service. */
export function endpointsJson(view: ServiceView): JsonObject {
  const { namespace, name, creationTimestamp, labels } = metaOf(view.service);
  const hasLabels = Object.keys(labels).length > 0;
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name, namespace, creationTimestamp, ...(hasLabels && { labels: { ...labels } }) },
    subsets: subsetsOf(view).map(({ ports, ready, notReady }) => ({
      ...(ready.length > 0 && { addresses: ready.map(addressJson) }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady.map(addressJson) }),
      ...(ports.length > 0 && { ports: ports.map((port) => messageToJson("EndpointPort", port)) }),
    })),
  };
}

function addressJson({ addresses: [ip = ""], hostname, nodeName, targetRef }: Endpoint): JsonObject {
  return {
    ip,
    ...(hostname !== "" && { hostname }),
    ...(nodeName !== "" && { nodeName }),
    ...(targetRef !== undefined && { targetRef: messageToJson("ObjectReference", targetRef) }),
  };
}
