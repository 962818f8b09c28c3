import { DEFAULTS } from "../lib/limits.js";
import type { ServiceSpec } from "../proto/gen/tallship/v1/service.js";

/** Annotation of a service: its node ports may be any that the nodes do not need themselves, as published ports of compose files are. */
export const ANY_NODE_PORT = "tallship.dev/any-node-port";

/** The ports a service may open on every node. */
export interface NodePortSpan {
  readonly first: number;
  readonly last: number;
}

/** The ports that a service with these annotations may name; the cluster's range unless it asks for any. */
export function nodePortSpan(
  annotations: Readonly<Record<string, string>> | undefined,
  { first, last }: NodePortSpan = { first: DEFAULTS.nodePortMin, last: DEFAULTS.nodePortMax },
): NodePortSpan {
  return annotations?.[ANY_NODE_PORT] === "true" ? { first: 1, last: 65_535 } : { first, last };
}

/** True when services of the type have a port on every node. */
export function opensNodePorts(type: string): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

/** True for a service that has neither addresses nor pods of its own: whatever endpoints somebody writes for it may be of both families, in any cluster, as in Kubernetes. */
export function isNameAlone({ clusterIP, selector }: Pick<ServiceSpec, "clusterIP" | "selector">): boolean {
  return clusterIP === "None" && Object.keys(selector).length === 0;
}

/** True for a service that strangers can be led by, as Kubernetes counts: by node ports, announced addresses or external ones. */
export function isExternallyAccessible({ type, externalIPs }: Pick<ServiceSpec, "type" | "externalIPs">): boolean {
  return opensNodePorts(type) || (type === "ClusterIP" && externalIPs.length > 0);
}

/** True when nodes tell load balancers which of them has endpoints of such a service: those without drop what they are sent. */
export function needsHealthCheck({
  type,
  externalTrafficPolicy,
}: Pick<ServiceSpec, "type" | "externalTrafficPolicy">): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}

/** Ports without which a node is lost to the cluster or to its owner: ssh and those of the daemons. */
const NODES_OWN: ReadonlySet<number> = new Set([
  22,
  DEFAULTS.apiPort,
  DEFAULTS.joinPort,
  DEFAULTS.webPort,
  DEFAULTS.nodePort,
  DEFAULTS.probePort,
  DEFAULTS.etcdClientPort,
  DEFAULTS.etcdPeerPort,
  DEFAULTS.vxlanPort,
]);

/** True for a port that nodes need themselves. */
export function isNodesOwn(port: number): boolean {
  return NODES_OWN.has(port);
}

/** Why a service may not open the port on every node; undefined when it may. */
export function nodePortError(port: number, { first, last }: NodePortSpan): string | undefined {
  if (port < first || port > last) return `want ${first} to ${last}, found ${port}`;
  return isNodesOwn(port) ? `port ${port} is one that the nodes need themselves` : undefined;
}
