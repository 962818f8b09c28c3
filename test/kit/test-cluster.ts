import { DEFAULTS } from "../../lib/limits.js";
import { ClusterConfig } from "../../proto/gen/tallship/v1/session.js";

/** What init fixes of a cluster when it is told nothing. */
export const TEST_CLUSTER: ClusterConfig = ClusterConfig.fromPartial({
  podCIDR: DEFAULTS.podCIDR,
  nodePrefixLength: DEFAULTS.nodePrefixLength,
  serviceCIDR: DEFAULTS.serviceCIDR,
  dnsAddress: DEFAULTS.dnsAddress,
  clusterDomain: DEFAULTS.clusterDomain,
  vxlanPort: DEFAULTS.vxlanPort,
  vni: DEFAULTS.vni,
  nodePortMin: DEFAULTS.nodePortMin,
  nodePortMax: DEFAULTS.nodePortMax,
});
