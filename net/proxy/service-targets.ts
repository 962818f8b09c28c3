import { topologyAsked } from "../../kinds/service-annotations.js";
import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Service, ServiceNetworkAddress, ServicePort, ServiceSpec } from "../../proto/gen/tallship/v1/service.js";
import { asWritten, type Family, familyOf, isAddress } from "../family.js";
import { announcedAddresses } from "./announced.js";
import { addressOn, chooseEndpoints, type EndpointAddress, type Place, type Reach } from "./endpoint-choice.js";
import { sourceRanges } from "./source-ranges.js";

/** IP protocols that services speak, as nft writes them. */
export type Protocol = "tcp" | "udp" | "sctp";

/** What an address in front of a service is: its own, one that the world knows, one that nodes announce, or any address of a node. */
export type FrontKind = "cluster" | "external" | "balancer" | "node";

/** One address and port that clients send to. */
export interface Front {
  readonly kind: FrontKind;
  readonly protocol: Protocol;
  /** Empty for kind node. */
  readonly ip: string;
  readonly port: number;
}

/** A front of a service and where it leads. */
export interface ServiceTarget extends Front {
  /** For clients of the cluster: pods and hosts. */
  readonly endpoints: readonly EndpointAddress[];
  /** For clients from outside, when others than for those of the cluster; empty: their packets are dropped. */
  readonly outside: readonly EndpointAddress[] | undefined;
  /** Networks that clients from outside must come from; undefined: any. */
  readonly ranges: readonly string[] | undefined;
  /** Seconds since its last connection for which a client keeps its endpoint; 0: each connection is led anew. */
  readonly affinitySeconds: number;
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = { TCP: "tcp", UDP: "udp", SCTP: "sctp" };

/** What Kubernetes has when a service says nothing. */
const AFFINITY_SECONDS = 10_800;

/** Which endpoints a service prefers that says so by its field. */
const NEARNESS: Readonly<Record<string, Reach>> = {
  PreferClose: "zone-first",
  PreferSameZone: "zone-first",
  PreferSameNode: "node-first",
};

/** Which endpoints a service prefers. */
function nearnessOf({ metadata, spec }: Service): Reach {
  if (topologyAsked(metadata?.annotations ?? {}) !== undefined) return "zone-first";
  return NEARNESS[spec?.trafficDistribution ?? ""] ?? "any";
}

/** The fronts of a service, as seen from a node. Headless and ExternalName services have none. */
export function targetsOf(service: Service, slices: readonly EndpointSlice[], place: Place): readonly ServiceTarget[] {
  const spec = service.spec;
  const { family = "IPv4" } = place;
  const clusterIP = clusterIPOf(spec, family);
  if (spec === undefined || clusterIP === undefined) return [];
  const announced = announcedAddresses(service, family);
  const networkAddresses = (service.status?.networkAddresses ?? []).filter(({ address }) => isAddress(family, address));
  const own = networkOfFront(service, clusterIP, slices);
  const near = nearnessOf(service);
  return spec.ports.flatMap((port) => {
    const protocol = PROTOCOLS[port.protocol || "TCP"];
    if (protocol === undefined) return [];
    return portTargets({ spec, port, protocol, near, clusterIP, own, announced, networkAddresses, slices, place });
  });
}

/** The service's virtual address of a family; undefined when it has none. */
export function clusterIPOf(spec: ServiceSpec | undefined, family: Family): string | undefined {
  if (spec === undefined || spec.type === "ExternalName") return undefined;
  return [spec.clusterIP, ...spec.clusterIPs].find((ip) => isAddress(family, ip));
}

/**
 * The network that one of a service's addresses leads to. Undefined: whatever pods have first, as the service's own address does as long as it
 * has no other, or when nobody is on its network any more.
 */
export function networkOfFront(
  { spec, status }: Service,
  ip: string,
  slices: readonly EndpointSlice[],
): string | undefined {
  const network = (status?.networkAddresses ?? []).find(({ address }) => address === ip)?.network;
  if (network === undefined || !isOwn(spec, ip)) return network;
  const family = familyOf(ip);
  const isThere = slices.some(
    ({ addressType, endpoints }) =>
      addressType === family && endpoints.some((each) => addressOn(each, network) !== undefined),
  );
  return isThere ? network : undefined;
}

function isOwn(spec: ServiceSpec | undefined, ip: string): boolean {
  return spec !== undefined && [spec.clusterIP, ...spec.clusterIPs].includes(ip);
}

interface PortView {
  readonly clusterIP: string;
  /** The network that it leads to; undefined: see networkOfFront. */
  readonly own: string | undefined;
  readonly spec: ServiceSpec;
  readonly port: ServicePort;
  readonly protocol: Protocol;
  /** Which endpoints are preferred. */
  readonly near: Reach;
  readonly announced: readonly string[];
  readonly networkAddresses: readonly ServiceNetworkAddress[];
  readonly slices: readonly EndpointSlice[];
  readonly place: Place;
}

function portTargets(view: PortView): readonly ServiceTarget[] {
  const { spec, port, protocol, near, clusterIP, own, announced, networkAddresses, slices, place } = view;
  const { family = "IPv4" } = place;
  const choose = (reach: Reach, network?: string): readonly EndpointAddress[] =>
    chooseEndpoints(port, slices, reach, { place, network });
  const isInsideLocal = spec.internalTrafficPolicy === "Local";
  const isOutsideLocal = spec.externalTrafficPolicy === "Local";
  const inside = { protocol, affinitySeconds: affinityOf(spec), outside: undefined, ranges: undefined };
  const insideReach = isInsideLocal ? "node-only" : near;
  const cluster = { ...inside, endpoints: choose(insideReach, own) };
  const further = networkAddresses.filter(({ address }) => address !== clusterIP);
  const external = [...new Set(spec.externalIPs.map(asWritten))].filter(
    (ip) => isAddress(family, ip) && !announced.includes(ip) && ip !== clusterIP,
  );
  const hasOuter = external.length + announced.length > 0 || port.nodePort !== 0;
  const outer = {
    ...inside,
    // Most services are for the cluster alone: what nobody is led by is not looked for.
    endpoints: hasOuter ? choose(near) : [],
    outside: hasOuter && isOutsideLocal ? choose("node-only") : undefined,
  };
  const ranges = sourceRanges(spec.loadBalancerSourceRanges, family);
  return [
    { ...cluster, kind: "cluster", ip: clusterIP, port: port.port },
    ...further.map(
      ({ network, address: ip }): ServiceTarget => ({
        ...inside,
        kind: "cluster",
        ip,
        port: port.port,
        endpoints: choose(insideReach, network),
      }),
    ),
    ...external.map((ip): ServiceTarget => ({ ...outer, kind: "external", ip, port: port.port })),
    ...announced.map((ip): ServiceTarget => ({ ...outer, kind: "balancer", ip, port: port.port, ranges })),
    ...(port.nodePort === 0 ? [] : [{ ...outer, kind: "node" as const, ip: "", port: port.nodePort }]),
  ];
}

function affinityOf({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): number {
  if (sessionAffinity !== "ClientIP") return 0;
  return sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS;
}
