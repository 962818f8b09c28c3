import type { NodeNetworkConfig } from "../net/node-network.js";
import type { ClusterConfig } from "../proto/gen/tallship/v1/session.js";
import type { NodeTraits } from "./assemble.js";
import type { HostFacts } from "./host/host-facts.js";

/** What the node's network is told, once the node has its pod subnet. */
export function networkConfig(
  {
    cluster,
    facts,
    traits,
  }: { readonly cluster: ClusterConfig; readonly facts: HostFacts; readonly traits: NodeTraits },
  podCIDR: string,
): NodeNetworkConfig {
  return {
    nodeName: facts.nodeName,
    podCIDR,
    clusterCIDR: cluster.podCIDR,
    serviceCIDR: cluster.serviceCIDR,
    dnsAddress: cluster.dnsAddress,
    clusterDomain: cluster.clusterDomain,
    vxlanPort: cluster.vxlanPort,
    vni: cluster.vni,
    underlayIP: facts.nodeIP,
    nodePortMin: cluster.nodePortMin,
    nodePortMax: cluster.nodePortMax,
    runDir: traits.runDir,
  };
}
