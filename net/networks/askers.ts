import { DEFAULT_NETWORK } from "../../kinds/network.js";
import type { PodLink } from "../node-network.js";
import { isIn } from "./network-firewall.js";
import type { SeenNetwork } from "./seen-network.js";

/**
 * Who asks for names and is not on the cluster's own network alone: by first address of a pod, its networks in its order. An address of a network
 * that is not known, or not any more, stands for none.
 */
export function askersOf(
  links: Iterable<Pick<PodLink, "address" | "further">>,
  networks: readonly SeenNetwork[],
  clusterCIDR: string,
): ReadonlyMap<string, readonly string[]> {
  const nameOf = (address: string): string | undefined =>
    isIn(clusterCIDR, address) ? DEFAULT_NETWORK : networks.find(({ subnet }) => isIn(subnet, address))?.name;
  const askers = new Map<string, readonly string[]>();
  for (const { address, further = [] } of links) {
    if (address === "" || (further.length === 0 && isIn(clusterCIDR, address))) continue;
    askers.set(
      address,
      [address, ...further.map((each) => each.address)].flatMap((each) => nameOf(each) ?? []),
    );
  }
  return askers;
}
