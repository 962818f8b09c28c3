import type { Service, ServicePort, ServiceSpec } from "../../proto/gen/tallship/v1/service.js";
import { isExternallyAccessible, isNameAlone } from "../node-ports.js";

/** Three hours, as in Kubernetes. */
const AFFINITY_SECONDS = 10_800;

/** Ports lead to the port of the same number; policies are those of Kubernetes. Addresses are assigned by the server. */
export function defaultService(service: Service): Service {
  return service.spec === undefined ? service : { ...service, spec: defaultSpec(service.spec) };
}

function defaultSpec(spec: ServiceSpec): ServiceSpec {
  const type = spec.type === "" ? "ClusterIP" : spec.type;
  const ports = spec.ports.map(defaultPort);
  // Kubernetes takes ranges with blanks around them.
  const loadBalancerSourceRanges = spec.loadBalancerSourceRanges.map((range) => range.trim());
  const base = { ...spec, type, ports, sessionAffinityConfig: affinityConfig(spec), loadBalancerSourceRanges };
  if (type === "ExternalName") return base;
  return {
    ...base,
    internalTrafficPolicy: spec.internalTrafficPolicy || "Cluster",
    externalTrafficPolicy: spec.externalTrafficPolicy || (isExternallyAccessible(base) ? "Cluster" : ""),
    allocateLoadBalancerNodePorts: spec.allocateLoadBalancerNodePorts ?? (type === "LoadBalancer" ? true : undefined),
    ipFamilyPolicy: spec.ipFamilyPolicy || (isNameAlone(spec) ? "RequireDualStack" : "SingleStack"),
    ipFamilies: spec.ipFamilies.length === 0 ? familiesOf(spec) : spec.ipFamilies,
  };
}

/** As in Kubernetes settings for clients that are kept are dropped where none is. */
function affinityConfig({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): ServiceSpec["sessionAffinityConfig"] {
  if (sessionAffinity === "" || sessionAffinity === "None") return undefined;
  if (sessionAffinity !== "ClientIP") return sessionAffinityConfig;
  return { clientIP: { timeoutSeconds: sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS } };
}

/** Those of the addresses that are named; IPv4 when none is. A second family by policy is the server's to add. */
function familiesOf({ clusterIP, clusterIPs }: ServiceSpec): readonly string[] {
  const named = clusterIPs.length > 0 ? clusterIPs : [clusterIP];
  return named.map((address) => (address.includes(":") ? "IPv6" : "IPv4"));
}

function defaultPort(port: ServicePort): ServicePort {
  const target = port.targetPort?.value?.value;
  if ((target !== undefined && target !== 0 && target !== "") || port.port === 0) return port;
  return { ...port, targetPort: { value: { $case: "intVal", value: port.port } } };
}
