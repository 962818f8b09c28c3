import type { Service, ServicePort, ServiceSpec } from "../../proto/gen/tallship/v1/service.js";

/** Three hours, as in Kubernetes. */
const AFFINITY_SECONDS = 10_800;

/** Ports lead to the port of the same number; policies are those of Kubernetes. Addresses are assigned by the server. */
export function defaultService(service: Service): Service {
  return service.spec === undefined ? service : { ...service, spec: defaultSpec(service.spec) };
}

function defaultSpec(spec: ServiceSpec): ServiceSpec {
  const type = spec.type === "" ? "ClusterIP" : spec.type;
  const ports = spec.ports.map(defaultPort);
  if (type === "ExternalName") return { ...spec, type, ports };
  const isOutside = type === "NodePort" || type === "LoadBalancer";
  const clientIP = { timeoutSeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS };
  return {
    ...spec,
    type,
    ports,
    sessionAffinityConfig: spec.sessionAffinity === "ClientIP" ? { clientIP } : spec.sessionAffinityConfig,
    internalTrafficPolicy: spec.internalTrafficPolicy || "Cluster",
    externalTrafficPolicy: spec.externalTrafficPolicy || (isOutside ? "Cluster" : ""),
    allocateLoadBalancerNodePorts: spec.allocateLoadBalancerNodePorts ?? (type === "LoadBalancer" ? true : undefined),
    ipFamilyPolicy: spec.ipFamilyPolicy || "SingleStack",
    ipFamilies: spec.ipFamilies.length === 0 ? familiesOf(spec) : spec.ipFamilies,
  };
}

/** Those of the addresses that are named; IPv4 when none is. A second family by policy is the server's to add. */
function familiesOf({ clusterIP, clusterIPs }: ServiceSpec): readonly string[] {
  const named = clusterIPs.length > 0 ? clusterIPs : [clusterIP];
  return named.map((address) => (address.includes(":") ? "IPv6" : "IPv4"));
}

function defaultPort(port: ServicePort): ServicePort {
  if (port.targetPort?.value !== undefined || port.port === 0) return port;
  return { ...port, targetPort: { value: { $case: "intVal", value: port.port } } };
}
