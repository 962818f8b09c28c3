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
    directRouting: cluster.directRouting,
    encrypted: cluster.encrypted,
    underlayIP: facts.nodeIP,
    nodePortMin: cluster.nodePortMin,
    nodePortMax: cluster.nodePortMax,
    internalPorts: facts.internalPorts,
    probePort: facts.probePort,
    runDir: traits.runDir,
  };
}
