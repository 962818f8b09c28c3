import type { NodeNetwork } from "../../net/node-network.js";
import type { Hook } from "./hook.js";

/** Waits until the kernel holds what network policies say of the pod: its first packet meets them. Pods on the host's network are the host. */
export function policyHook(network: Pick<NodeNetwork, "firewalled">): Hook {
  return {
    name: "policy",
    up: async ({ uid, pod }, signal) => {
      if (pod.spec?.hostNetwork !== true) await network.firewalled(uid, signal);
      return {};
    },
    // The rules go with the link.
    down: async () => undefined,
  };
}
