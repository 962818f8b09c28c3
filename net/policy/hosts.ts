import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { familyOf, isAddress, sitesOf } from "../family.js";
import { ownGateways, type SeenNetwork } from "../networks/seen-network.js";
import { tunnelEndsOf } from "../networks/tunnel-ways.js";
import type { NodeNetworkConfig } from "../node-network.js";

/** Every address at which a host of the cluster is reached. */
export function hostsOf(nodes: Iterable<Node>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { status } of nodes) {
    const listed = (status?.addresses ?? []).map(({ address }) => address);
    for (const address of [status?.overlay?.underlayIP ?? "", ...listed])
      if (isAddress(familyOf(address), address)) found.add(address);
  }
  return found;
}

/** What a node's own host speaks with its pods under, but for loopback: its addresses, and those that it has as the next hop of pods and at its end of tunnels. */
export function ownAddresses(
  config: NodeNetworkConfig,
  node: Node | undefined,
  networks: readonly SeenNetwork[],
): ReadonlySet<string> {
  const gateways = sitesOf(config).map(({ gateway }) => gateway);
  const further = [...networks.flatMap(ownGateways), ...tunnelEndsOf(config)];
  return new Set([config.underlayIP, ...gateways, ...further, ...hostsOf(node === undefined ? [] : [node])]);
}
