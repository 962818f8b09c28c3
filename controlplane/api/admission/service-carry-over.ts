import { isExternallyAccessible, needsHealthCheck, opensNodePorts } from "../../../kinds/node-ports.js";
import type { Typed } from "../../../kinds/object.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import type { ServicePort, ServiceSpec } from "../../../proto/gen/tallship/v1/service.js";
import { carryNetwork } from "./network-carry-over.js";
import { withParts } from "./parts.js";

/**
 * A service's new spec with the addresses and node ports that it was given and does not name: a manifest rarely holds them, and a client that
 * writes the service back must not lose them. What the new type has no use for is not kept.
 */
export function carryOver(wanted: Typed, live: Typed): Typed {
  if (wanted.kind === "Network" && live.kind === "Network") return carryNetwork(wanted, live);
  if (wanted.kind !== "Service" || live.kind !== "Service") return wanted;
  const { spec } = wanted.object;
  const before = live.object.spec;
  if (spec === undefined || before === undefined) return wanted;
  return withParts(wanted, { spec: carrySpec(spec, before) });
}

function carrySpec(spec: ServiceSpec, before: ServiceSpec): ServiceSpec {
  const clusterIP = carryAddress(spec, before);
  return {
    ...spec,
    clusterIP,
    clusterIPs: clusterIP === "" ? [] : carryAll("clusterIPs", spec, before),
    ipFamilies: carryAll("ipFamilies", spec, before),
    ports: spec.ports.map((port) => carryPort(port, spec, before)),
    healthCheckNodePort: carryHealthCheck(spec, before),
    ...withoutFormerType(spec, before),
  };
}

/** What only the former type may have, and the client has not touched, goes with that type, as in Kubernetes: who writes back what he read would be refused. */
function withoutFormerType(spec: ServiceSpec, before: ServiceSpec): Partial<ServiceSpec> {
  const isOld = (field: keyof ServiceSpec): boolean => deepEqual(spec[field], before[field]);
  const isBalanced = spec.type === "LoadBalancer";
  return {
    ...(!isExternallyAccessible(spec) && isOld("externalTrafficPolicy") && { externalTrafficPolicy: "" }),
    ...(!isBalanced && isOld("loadBalancerClass") && { loadBalancerClass: "" }),
    ...(!isBalanced && isOld("allocateLoadBalancerNodePorts") && { allocateLoadBalancerNodePorts: undefined }),
    ...(spec.type === "ExternalName" && isOld("ipFamilyPolicy") && { ipFamilyPolicy: "" }),
  };
}

/** What a service has per family: that of a second one goes with the wish for it, also when the client writes back what it was given. */
function carryAll(field: "clusterIPs" | "ipFamilies", spec: ServiceSpec, before: ServiceSpec): readonly string[] {
  const wanted = spec[field];
  const isUnchanged = wanted.length === 0 || wanted.join() === before[field].join();
  if (!isUnchanged) return wanted;
  if (spec.type === "ExternalName") return [];
  const isSingle = spec.ipFamilyPolicy === "" || spec.ipFamilyPolicy === "SingleStack";
  return isSingle ? before[field].slice(0, 1) : before[field];
}

function carryHealthCheck(spec: ServiceSpec, before: ServiceSpec): number {
  const isUnchanged = spec.healthCheckNodePort === 0 || spec.healthCheckNodePort === before.healthCheckNodePort;
  if (!isUnchanged) return spec.healthCheckNodePort;
  return needsHealthCheck(spec) ? before.healthCheckNodePort : 0;
}

function carryAddress(spec: ServiceSpec, before: ServiceSpec): string {
  const isUnchanged = spec.clusterIP === "" || spec.clusterIP === before.clusterIP;
  if (spec.type === "ExternalName") return isUnchanged ? "" : spec.clusterIP;
  return isUnchanged ? before.clusterIP : spec.clusterIP;
}

function carryPort(port: ServicePort, spec: ServiceSpec, before: ServiceSpec): ServicePort {
  const same = before.ports.find((other) => other.port === port.port && protocolOf(other) === protocolOf(port));
  const given = same?.nodePort ?? 0;
  if (opensNodePorts(spec.type)) return port.nodePort === 0 ? { ...port, nodePort: given } : port;
  return port.nodePort === given ? { ...port, nodePort: 0 } : port;
}

function protocolOf(port: ServicePort): string {
  return port.protocol === "" ? "TCP" : port.protocol;
}
