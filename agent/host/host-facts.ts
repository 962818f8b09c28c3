import type { NodeSystemInfo } from "../../proto/gen/tallship/v1/node.js";
import type { NodeUsage } from "../../proto/gen/tallship/v1/session.js";

/** What the agent found out about its host when it started. */
export interface HostFacts {
  readonly nodeName: string;
  readonly hostname: string;
  /** Address that other hosts reach this one at. */
  readonly nodeIP: string;
  /** Its other addresses of IPv4 on the same link; absent: none. */
  readonly hostIPv4?: readonly string[];
  /** The first of its IPv6 addresses on the same link; absent: none, or the cluster has IPv4 alone. */
  readonly nodeIPv6?: string | undefined;
  /** All of them. */
  readonly hostIPv6?: readonly string[];
  readonly nodePort: number;
  /** TCP ports of Tallship's daemons that pods have no business with. The API's is none of them: it asks everybody for a certificate. */
  readonly internalPorts: readonly number[];
  /** TCP and UDP port at which peers' probes are answered. */
  readonly probePort: number;
  /** A control plane runs on this host too. */
  readonly isControlPlane: boolean;
  readonly bootId: string;
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Amounts of huge pages by resource, such as hugepages-2Mi. */
  readonly hugepages?: Readonly<Record<string, string>>;
  readonly hasSwap?: boolean;
  /** Folder that volumes of class local are made in. */
  readonly volumesPath: string;
  readonly systemInfo: NodeSystemInfo;
}

/** The host's address of each family, as pods are told them, IPv4 first. */
export function nodeIPs({ nodeIP, nodeIPv6 }: Pick<HostFacts, "nodeIP" | "nodeIPv6">): readonly string[] {
  return nodeIPv6 === undefined ? [nodeIP] : [nodeIP, nodeIPv6];
}

/** Edge: what the host uses now. */
export interface HostUsage {
  /** Over the time since the last call; undefined at the first. */
  read(): NodeUsage | undefined;
}
