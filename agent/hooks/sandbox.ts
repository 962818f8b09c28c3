import { TallshipError } from "../../lib/errors.js";
import type { HostPort, NodeNetwork, PodLink } from "../../net/node-network.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { inBatches } from "../in-batches.js";
import type { Hook } from "./hook.js";

/** Gives out the node's pod addresses. What pods already have is known to it. */
export interface PodAddresses {
  /** The pod's address, the same each time until it is released; throws resource_exhausted when none is free. */
  claim(uid: string): string;
  release(uid: string): void;
}

/** Gives the pod its network namespace, address and links; those that are asked for together are made together. */
export function sandboxHook(network: NodeNetwork, addresses: PodAddresses, nodeIP: string): Hook {
  const attach = inBatches<PodLink>((links) => network.attach(links));
  const detach = inBatches<string>((uids) => network.detach(uids));
  return {
    name: "sandbox",
    up: async ({ uid, pod }) => {
      if (pod.spec?.hostNetwork === true) return { address: nodeIP };
      const address = addresses.claim(uid);
      await attach({ uid, address, hostPorts: hostPorts(pod) });
      return { address };
    },
    down: async (uid) => {
      await detach(uid);
      addresses.release(uid);
    },
  };
}

function hostPorts(pod: Pod): readonly HostPort[] {
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports);
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
