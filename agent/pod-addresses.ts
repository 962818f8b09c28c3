import { AddressPool } from "../net/ipam.js";
import { isIn } from "../net/networks/network-firewall.js";
import type { ListedLink, NodeNetworkConfig } from "../net/node-network.js";
import type { PodAddresses } from "./hooks/sandbox.js";

/** Addresses of the node's pod subnet, and of its shares of networks, by pod; `inUse` is what pods have already in the kernel. */
export function podAddresses(
  { podCIDR }: Pick<NodeNetworkConfig, "podCIDR">,
  inUse: Iterable<ListedLink>,
): PodAddresses {
  const byPod = new Map<string, readonly string[]>();
  // A link that an agent died over has no address yet: the pod gets one, and its link is completed with it.
  for (const { uid, address, further = [] } of inUse)
    byPod.set(
      uid,
      [address, ...further.map((each) => each.address)].filter((each) => each !== ""),
    );
  const pools = new Map<string, AddressPool>();
  const poolOf = (share: string): AddressPool => {
    const known = pools.get(share);
    if (known !== undefined) return known;
    const made = new AddressPool(share, [...byPod.values()].flat());
    pools.set(share, made);
    return made;
  };
  poolOf(podCIDR);
  return {
    claim: (uid, share = podCIDR) => {
      const held = byPod.get(uid) ?? [];
      const own = held.find((address) => isIn(share, address));
      if (own !== undefined) return own;
      const address = poolOf(share).allocate();
      byPod.set(uid, [...held, address]);
      return address;
    },
    release: (uid) => {
      const addresses = byPod.get(uid) ?? [];
      byPod.delete(uid);
      for (const pool of pools.values()) for (const address of addresses) pool.free(address);
    },
  };
}
