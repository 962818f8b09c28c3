import type { Rng } from "../lib/rng.js";
import { type NodeNetwork, netnsPath } from "../net/node-network.js";
import type { PodAddresses } from "./hooks/sandbox.js";
import type { BuildLink } from "./image/build/image-builder.js";

/** What giving builds a place in the pods' network takes. */
export interface BuildLinkParts {
  readonly network: Pick<NodeNetwork, "attach" | "detach">;
  readonly addresses: PodAddresses;
  readonly runDir: string;
  /** Where pods ask for names. */
  readonly dnsAddress: string;
  readonly rng: Rng;
}

/**
 * Opens a place in the network for a build: a namespace and an address as a pod has, so that steps reach what pods reach, and of the node nothing that pods do not. What an agent that died left of
 * one goes as a pod's link does.
 */
export function buildLinks({ network, addresses, runDir, dnsAddress, rng }: BuildLinkParts): () => Promise<BuildLink> {
  return async () => {
    const uid = `build-${Buffer.from(rng.bytes(8)).toString("hex")}`;
    const close = async (): Promise<void> => {
      await network.detach([uid]);
      addresses.release(uid);
    };
    try {
      await network.attach([{ uid, address: addresses.claim(uid), hostPorts: [] }]);
    } catch (error) {
      await close();
      throw error;
    }
    return { netnsPath: netnsPath(runDir, uid), resolvConf: `nameserver ${dnsAddress}\n`, close };
  };
}
