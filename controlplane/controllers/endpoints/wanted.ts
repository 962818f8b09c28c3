import { addressesOfPod, addressesThere } from "../../../kinds/network.js";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting, isPodFinished, isPodReady } from "../../../kinds/pod-state.js";
import { apiVersionOf } from "../../../kinds/registry.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import type { ContainerPort } from "../../../proto/gen/tallship/v1/container.js";
import { Endpoint, type EndpointNetwork, type EndpointPort } from "../../../proto/gen/tallship/v1/endpointslice.js";
import type { Node } from "../../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { Service, ServicePort } from "../../../proto/gen/tallship/v1/service.js";
import { isTainted, NOT_READY, UNREACHABLE } from "../node/taints.js";

/** Endpoints that may share a slice: one address family, and the same ports. */
export interface EndpointGroup {
  readonly addressType: "IPv4" | "IPv6";
  readonly ports: readonly EndpointPort[];
  /** In order of pod name. */
  readonly endpoints: readonly Endpoint[];
}

const zoneLabel = "topology.kubernetes.io/zone";

/** True for a service whose endpoints are pods that it selects. */
export function isSelecting({ spec }: Service): boolean {
  return spec !== undefined && spec.type !== "ExternalName" && Object.keys(spec.selector).length > 0;
}

/** What endpoints follow from beside pods. */
export interface EndpointGround {
  readonly nodeNamed: (name: string) => Node | undefined;
  /** Whether a network of the service's namespace is each node's own. */
  readonly isBridge: (network: string) => boolean;
}

/**
 * Where a service leads: one endpoint per pod and address family, in groups of equal ports, since a named port may have another number in
 * another pod. Pods come in order of name; `nodeNamed` gives the node they run on.
 */
export function wantedGroups(
  service: Service,
  pods: readonly Pod[],
  { nodeNamed, isBridge }: EndpointGround,
): ReadonlyMap<string, EndpointGroup> {
  const groups = new Map<string, { readonly group: EndpointGroup; readonly endpoints: Endpoint[] }>();
  for (const pod of pods) {
    if (isPodFinished(pod)) continue;
    const ports = (service.spec?.ports ?? []).flatMap((port) => resolvePort(port, pod));
    for (const [addressType, address] of addressesOf(service, pod)) {
      const key = groupKey(addressType, ports);
      const endpoints = groups.get(key)?.endpoints ?? [];
      groups.set(key, { group: { addressType, ports, endpoints }, endpoints });
      const endpoint = endpointOf(service, pod, address, nodeNamed(pod.spec?.nodeName ?? ""));
      endpoints.push({ ...endpoint, networks: placesOf(pod, addressType, isBridge) });
    }
  }
  return new Map([...groups].map(([key, { group }]) => [key, group]));
}

/** Equal for slices that could hold the same endpoints. */
export function groupKey(addressType: string, ports: readonly EndpointPort[]): string {
  const texts = ports.map(({ name, protocol, port, appProtocol }) => `${name} ${protocol} ${port} ${appProtocol}`);
  return `${addressType}|${texts.join("|")}`;
}

/** True when a pod's part in its services would be the same in both states. */
export function isSameEndpoint(before: Pod, after: Pod): boolean {
  return (
    before.metadata?.uid === after.metadata?.uid &&
    isPodReady(before) === isPodReady(after) &&
    isPodFinished(before) === isPodFinished(after) &&
    isDeleting(before) === isDeleting(after) &&
    before.spec?.nodeName === after.spec?.nodeName &&
    before.status?.podIP === after.status?.podIP &&
    deepEqual(before.status?.networks ?? [], after.status?.networks ?? []) &&
    (before.status?.podIPs ?? []).map(({ ip }) => ip).join() === (after.status?.podIPs ?? []).map(({ ip }) => ip).join()
  );
}

/** True while nothing is sent to a node's pods, whatever they said last: it does not speak, or says that it is not ready. */
export function isWithdrawn(node: Node | undefined): boolean {
  return node !== undefined && (isTainted(node, UNREACHABLE) || isTainted(node, NOT_READY));
}

/** The zone that a node is in; empty when it does not say. */
export function zoneOf(node: Node | undefined): string {
  return node?.metadata?.labels[zoneLabel] ?? "";
}

function endpointOf(service: Service, pod: Pod, address: string, node: Node | undefined): Endpoint {
  const { name, namespace, uid } = metaOf(pod);
  const isServing = isPodReady(pod) && !isWithdrawn(node);
  const terminating = isDeleting(pod);
  const isPublished = service.spec?.publishNotReadyAddresses === true;
  return Endpoint.fromPartial({
    addresses: [address],
    conditions: { ready: isPublished || (isServing && !terminating), serving: isServing, terminating },
    hostname: pod.spec?.subdomain === metaOf(service).name ? pod.spec.hostname : "",
    targetRef: { kind: "Pod", apiVersion: apiVersionOf("Pod"), namespace, name, uid },
    nodeName: pod.spec?.nodeName ?? "",
    zone: zoneOf(node),
  });
}

type Family = EndpointGroup["addressType"];

/** Where the pod is, by addresses of a family, once it is on others than the cluster's own network alone. */
function placesOf({ status }: Pod, family: Family, isBridge: (network: string) => boolean): EndpointNetwork[] {
  return (status?.networks ?? []).flatMap((place) => {
    const address = firstOf(family, addressesThere(place));
    return address === undefined ? [] : [{ name: place.name, address, bridge: isBridge(place.name) }];
  });
}

function firstOf(family: Family, addresses: readonly string[]): string | undefined {
  return addresses.find((address) => address.includes(":") === (family === "IPv6"));
}

/** The pod's first address of each of the service's families, on whatever network that is. */
function addressesOf({ spec }: Service, pod: Pod): readonly (readonly [Family, string])[] {
  const families = spec === undefined || spec.ipFamilies.length === 0 ? ["IPv4"] : spec.ipFamilies;
  return (["IPv4", "IPv6"] as const).flatMap((family) => {
    const own = firstOf(family, addressesOfPod(pod));
    return own === undefined || !families.includes(family) ? [] : [[family, own] as const];
  });
}

/** The port of the pod; none when no container has a port of that name. */
function resolvePort(
  { name, protocol, port, targetPort, appProtocol }: ServicePort,
  pod: Pod,
): readonly EndpointPort[] {
  const target = targetPort?.value;
  if (target?.$case === "strVal") {
    const named = pod.spec?.containers
      .flatMap(({ ports }) => ports)
      .find((each) => isNamed(each, target.value, protocol));
    return named === undefined ? [] : [{ name, protocol, port: named.containerPort, appProtocol }];
  }
  return [{ name, protocol, port: target?.value || port, appProtocol }];
}

function isNamed(port: ContainerPort, name: string, protocol: string): boolean {
  return port.name === name && (port.protocol || "TCP") === (protocol || "TCP");
}
