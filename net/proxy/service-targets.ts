import { limit } from "../../lib/limits.js";
import type { Endpoint, EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Service, ServicePort } from "../../proto/gen/tallship/v1/service.js";
import { parseAddress } from "../ipv4.js";

/** IP protocols that services speak, as nft writes them. */
export type Protocol = "tcp" | "udp" | "sctp";

/** An address and port that answers. */
export interface EndpointAddress {
  readonly ip: string;
  readonly port: number;
}

/** One port of a service and where it leads. */
export interface ServiceTarget {
  readonly protocol: Protocol;
  readonly clusterIp: string;
  readonly port: number;
  /** Port on every node; 0: none. */
  readonly nodePort: number;
  /** Those that get new connections; without doubles, in order of address and port. */
  readonly endpoints: readonly EndpointAddress[];
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = { TCP: "tcp", UDP: "udp", SCTP: "sctp" };

/**
 * The ports of a service that have a virtual address, each with its endpoints: the ready ones, or, when there is none, those that
 * are going but still answer. Headless and ExternalName services have no ports here.
 */
export function targetsOf(service: Service, slices: readonly EndpointSlice[]): readonly ServiceTarget[] {
  const spec = service.spec;
  if (spec === undefined || spec.type === "ExternalName" || parseAddress(spec.clusterIP) === undefined) return [];
  return spec.ports.flatMap((port) => {
    const protocol = PROTOCOLS[port.protocol || "TCP"];
    if (protocol === undefined) return [];
    const endpoints = endpointsOf(port, slices);
    return [{ protocol, clusterIp: spec.clusterIP, port: port.port, nodePort: port.nodePort, endpoints }];
  });
}

function endpointsOf(port: ServicePort, slices: readonly EndpointSlice[]): readonly EndpointAddress[] {
  const ready = addressesOf(port, slices, isReady);
  const chosen = ready.length > 0 ? ready : addressesOf(port, slices, isGoingButServing);
  return chosen.slice(0, limit("serviceEndpoints"));
}

/** True when an endpoint gets new connections. Absent means ready, as in Kubernetes. */
export function isReady(endpoint: Endpoint): boolean {
  return endpoint.conditions?.ready !== false;
}

function isGoingButServing(endpoint: Endpoint): boolean {
  return endpoint.conditions?.terminating === true && endpoint.conditions.serving === true;
}

function addressesOf(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  accept: (endpoint: Endpoint) => boolean,
): readonly EndpointAddress[] {
  const found = new Map<string, EndpointAddress>();
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    const match = slice.ports.find(
      (each) => each.name === port.name && (each.protocol || "TCP") === (port.protocol || "TCP") && each.port > 0,
    );
    if (match === undefined) continue;
    for (const endpoint of slice.endpoints) {
      const ip = endpoint.addresses[0] ?? "";
      if (accept(endpoint) && parseAddress(ip) !== undefined)
        found.set(`${ip}:${match.port}`, { ip, port: match.port });
    }
  }
  return [...found.values()].sort(byAddress);
}

function byAddress(one: EndpointAddress, other: EndpointAddress): number {
  return (parseAddress(one.ip) ?? 0) - (parseAddress(other.ip) ?? 0) || one.port - other.port;
}
