import { reachesInternals } from "../../kinds/internals.js";
import { DEFAULT_NETWORK, isPlain, networksOf } from "../../kinds/network.js";
import { sidecarsOf } from "../../kinds/pod-containers.js";
import { TallshipError } from "../../lib/errors.js";
import type { HostPort, NodeNetwork } from "../../net/node-network.js";
import type { Pod, PodNetwork } from "../../proto/gen/tallship/v1/pod.js";
import type { HostFacts } from "../host/host-facts.js";
import type { Hook } from "./hook.js";

/** Gives out the node's pod addresses. What pods already have is known to it. */
export interface PodAddresses {
  /** The pod's address in the node's subnet, or in its share of a network; the same each time until it is released. Throws resource_exhausted when none is free. */
  claim(uid: string, share?: string): string;
  /** Gives back all that the pod has. */
  release(uid: string): void;
}

/** Gives the pod its network namespace, addresses and links; the network makes together what is asked for together. */
export function sandboxHook(
  network: NodeNetwork,
  addresses: PodAddresses,
  { nodeIP, nodeIPv6 }: Pick<HostFacts, "nodeIP" | "nodeIPv6">,
): Hook {
  return {
    name: "sandbox",
    up: async ({ uid, pod }, signal) => {
      if (pod.spec?.hostNetwork === true) return { address: nodeIP, ipv6: nodeIPv6 ?? "" };
      const networks = await placesOf(uid, pod, { network, addresses, signal });
      const [first, ...others] = networks;
      const [address = "", ipv6 = ""] = first?.ips ?? [];
      const further = others.map((each) => ({ interface: each.interface, address: each.ip }));
      const link = { uid, address, hostPorts: hostPorts(pod), reachesInternals: reachesInternals(pod) };
      await network.attach([further.length === 0 ? link : { ...link, further }]);
      return { address, ipv6, networks: isPlain(pod) ? [] : networks };
    },
    down: async (uid) => {
      await network.detach([uid]);
      addresses.release(uid);
    },
  };
}

interface Given {
  readonly network: NodeNetwork;
  readonly addresses: PodAddresses;
  readonly signal: AbortSignal;
}

/** The pod's place in each of its networks, once the node has its share of all of them. */
async function placesOf(
  uid: string,
  { metadata }: Pod,
  { network, addresses, signal }: Given,
): Promise<readonly PodNetwork[]> {
  const names = networksOf(metadata);
  const shareOf = (name: string): Promise<string> =>
    network.shareOf(name === DEFAULT_NETWORK ? name : `${metadata?.namespace}/${name}`, signal);
  const shares = await Promise.all(names.map(shareOf));
  return names.map((name, at) => {
    const ip = addresses.claim(uid, name === DEFAULT_NETWORK ? undefined : shares[at]);
    const ipv6 = network.ipv6Of(ip);
    return { name, interface: `eth${at}`, ip, ips: ipv6 === undefined ? [ip] : [ip, ipv6] };
  });
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
