/** Annotations by which a service asks for endpoints of the client's zone, as before there was trafficDistribution; the newer one counts first. */
export const TOPOLOGY_ANNOTATIONS = [
  "service.kubernetes.io/topology-mode",
  "service.kubernetes.io/topology-aware-hints",
] as const;

/** Those of load balancers that clusters elsewhere have. */
const FOREIGN = [
  "cloud.google.com/",
  "load-balancer.hetzner.cloud/",
  "metallb.io/",
  "metallb.universe.tf/",
  "networking.gke.io/",
  "oci.oraclecloud.com/",
  "service.beta.kubernetes.io/",
] as const;

/** What other annotations of load balancers ask for, and the field that has it here. */
const INSTEAD: Readonly<Record<string, string>> = {
  "metallb.io/loadBalancerIPs": "spec.loadBalancerIP asks for an address",
  "metallb.universe.tf/loadBalancerIPs": "spec.loadBalancerIP asks for an address",
  "service.alpha.kubernetes.io/tolerate-unready-endpoints": "spec.publishNotReadyAddresses does this",
};

/** The annotation that asks for endpoints of the client's zone, by name and value; undefined when none does. What it says goes before spec.trafficDistribution, as in Kubernetes. */
export function topologyAsked(annotations: Readonly<Record<string, string>>): string | undefined {
  const name = TOPOLOGY_ANNOTATIONS.find((each) => annotations[each] !== undefined);
  const value = name === undefined ? "" : (annotations[name] ?? "");
  return value.toLowerCase() === "auto" ? `${name}: ${value}` : undefined;
}

/** Why an annotation of a service has no effect; undefined when it has one, or speaks of something else. */
export function ignoredServiceAnnotation(key: string): string | undefined {
  const instead = Object.hasOwn(INSTEAD, key) ? INSTEAD[key] : undefined;
  if (instead !== undefined) return instead;
  return FOREIGN.some((each) => key.startsWith(each)) ? "it is for another load balancer" : undefined;
}

/** Why a field of a service's spec has no effect beside the others, of which `wordOf` gives those that are words; undefined when it has one. Kubernetes takes it, too. */
export function idleServiceField(field: string, wordOf: (field: string) => string): string | undefined {
  const type = wordOf("type") || "ClusterIP";
  if (field === "sessionAffinityConfig" && wordOf("sessionAffinity") !== "ClientIP")
    return "it is for sessionAffinity ClientIP";
  if (field === "loadBalancerIP" && type !== "LoadBalancer") return "it is for type LoadBalancer";
  if (type !== "ExternalName" || !OF_ADDRESSES.has(field)) return undefined;
  return "a service of type ExternalName is a name alone";
}

const OF_ADDRESSES: ReadonlySet<string> = new Set(["externalIPs", "internalTrafficPolicy", "selector"]);
