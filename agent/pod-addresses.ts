import { AddressPool } from "../net/ipam.js";
import type { PodAddresses } from "./hooks/sandbox.js";

/** Addresses of the node's pod subnet by pod; `inUse` is what pods have already, in the kernel or by the checkpoint. */
export function podAddresses(
  podCIDR: string,
  inUse: Iterable<{ readonly uid: string; readonly address: string }>,
): PodAddresses {
  const byPod = new Map<string, string>();
  // A link that an agent died over has no address yet: the pod gets one, and its link is completed with it.
  for (const { uid, address } of inUse) if (address !== "") byPod.set(uid, address);
  const pool = new AddressPool(podCIDR, byPod.values());
  return {
    claim: (uid) => {
      const address = byPod.get(uid) ?? pool.allocate();
      byPod.set(uid, address);
      return address;
    },
    release: (uid) => {
      const address = byPod.get(uid);
      byPod.delete(uid);
      if (address !== undefined) pool.free(address);
    },
  };
}
