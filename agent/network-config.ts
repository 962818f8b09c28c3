import { familyOf } from "../net/family.js";
import type { NodeNetworkConfig } from "../net/node-network.js";
import type { ClusterConfig } from "../proto/gen/tallship/v1/session.js";
import type { HostFacts } from "./host/host-facts.js";

/** What the node's network is built from: the cluster's ranges, the host, and the share of addresses that the node was given. */
export function networkConfig(
  {
    cluster,
    facts,
    traits,
  }: {
    readonly cluster: ClusterConfig;
    readonly facts: Pick<HostFacts, "nodeName" | "nodeIP" | "internalPorts" | "probePort">;
    readonly traits: { readonly runDir: string };
  },
  podCIDRs: readonly string[],
): NodeNetworkConfig {
  const [podCIDR = ""] = podCIDRs;
  return {
    nodeName: facts.nodeName,
    podCIDR,
    clusterCIDR: cluster.podCIDR,
    serviceCIDR: cluster.serviceCIDR,
    dnsAddress: cluster.dnsAddress,
    clusterDomain: cluster.clusterDomain,
    vxlanPort: cluster.vxlanPort,
    vni: cluster.vni,
    directRouting: cluster.directRouting,
    encrypted: cluster.encrypted,
    underlayIP: facts.nodeIP,
    nodePortMin: cluster.nodePortMin,
    nodePortMax: cluster.nodePortMax,
    internalPorts: facts.internalPorts,
    probePort: facts.probePort,
    runDir: traits.runDir,
    ipv6: ipv6Ranges(cluster, podCIDRs),
  };
}

/** Undefined where the cluster has IPv4 alone. */
function ipv6Ranges(
  { podCIDRIPv6: clusterCIDR, serviceCIDRIPv6: serviceCIDR }: Pick<ClusterConfig, "podCIDRIPv6" | "serviceCIDRIPv6">,
  podCIDRs: readonly string[],
): NodeNetworkConfig["ipv6"] {
  const podCIDR = podCIDRs.find((cidr) => familyOf(cidr) === "IPv6");
  return clusterCIDR === "" || podCIDR === undefined ? undefined : { podCIDR, clusterCIDR, serviceCIDR };
}
