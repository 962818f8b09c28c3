import { reachesInternals } from "../../kinds/internals.js";
import { sidecarsOf } from "../../kinds/pod-containers.js";
import { TallshipError } from "../../lib/errors.js";
import type { HostPort, NodeNetwork } from "../../net/node-network.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Hook } from "./hook.js";

/** Gives out the node's pod addresses. What pods already have is known to it. */
export interface PodAddresses {
  /** The pod's address, the same each time until it is released; throws resource_exhausted when none is free. */
  claim(uid: string): string;
  release(uid: string): void;
}

/** Gives the pod its network namespace, address and links; the network makes together what is asked for together. */
export function sandboxHook(network: NodeNetwork, addresses: PodAddresses, nodeIP: string): Hook {
  return {
    name: "sandbox",
    up: async ({ uid, pod }) => {
      if (pod.spec?.hostNetwork === true) return { address: nodeIP };
      const address = addresses.claim(uid);
      await network.attach([{ uid, address, hostPorts: hostPorts(pod), reachesInternals: reachesInternals(pod) }]);
      return { address };
    },
    down: async (uid) => {
      await network.detach([uid]);
      addresses.release(uid);
    },
  };
}

function hostPorts(pod: Pod): readonly HostPort[] {
  const ports = [...sidecarsOf(pod), ...(pod.spec?.containers ?? [])].flatMap((container) => container.ports);
  return ports
    .filter(({ hostPort }) => hostPort > 0)
    .map(({ protocol, hostIP, hostPort, containerPort }) => ({
      protocol: protocolOf(protocol),
      hostIP: hostIP ?? "",
      hostPort,
      containerPort,
    }));
}

function protocolOf(text: string): HostPort["protocol"] {
  if (text === "" || text === "TCP") return "TCP";
  if (text === "UDP" || text === "SCTP") return text;
  throw new TallshipError("invalid_argument", `port protocol ${text}: want TCP, UDP or SCTP`);
}
