import type { EndpointSlice } from "../proto/gen/tallship/v1/endpointslice.js";
import type { Ingress, IngressClass } from "../proto/gen/tallship/v1/ingress.js";
import type { Network } from "../proto/gen/tallship/v1/network.js";
import type { Node } from "../proto/gen/tallship/v1/node.js";
import type { Service } from "../proto/gen/tallship/v1/service.js";
import type { Remedies } from "./health/remedies.js";
import type { PolicyMap } from "./policy/policy-map.js";
import type { PublishedKey } from "./tunnels/tunnel-keys.js";

/** What a node must know to build its part of the network. Fixed while the process runs. */
export interface NodeNetworkConfig {
  readonly nodeName: string;
  /** The node's own pod subnet, such as 10.128.4.0/22. */
  readonly podCIDR: string;
  /** All pods of the cluster. */
  readonly clusterCIDR: string;
  readonly serviceCIDR: string;
  readonly dnsAddress: string;
  readonly clusterDomain: string;
  readonly vxlanPort: number;
  readonly vni: number;
  /** Peers whose underlay address is on this host's link are reached without VXLAN. */
  readonly directRouting: boolean;
  /** What pods say to each other passes between hosts through encrypted tunnels alone, on every network. */
  readonly encrypted: boolean;
  /** The host's address that peers send VXLAN to. */
  readonly underlayIP: string;
  readonly nodePortMin: number;
  readonly nodePortMax: number;
  /** TCP ports of Tallship itself on its hosts: closed to pods, but for those that may reach them. */
  readonly internalPorts: readonly number[];
  /** TCP and UDP port at which nodes answer each other's probes. */
  readonly probePort: number;
  /** Where pinned namespaces and sockets stand, such as /run/tallship. */
  readonly runDir: string;
  /** The same ranges of IPv6; undefined: the cluster has IPv4 alone. */
  readonly ipv6?: FamilyRanges | undefined;
}

/** The ranges of one address family. */
export interface FamilyRanges {
  /** The node's own pod subnet. */
  readonly podCIDR: string;
  /** All pods of the cluster. */
  readonly clusterCIDR: string;
  readonly serviceCIDR: string;
}

/** The network map as of one revision of the control plane. Values are shared and immutable. Keys are namespace/name. */
export interface NetworkMap {
  readonly revision: number;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly services: ReadonlyMap<string, Service>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
  readonly ingresses: ReadonlyMap<string, Ingress>;
  /** By name. */
  readonly ingressClasses: ReadonlyMap<string, IngressClass>;
  /** Networks beside the cluster's own. */
  readonly networks: ReadonlyMap<string, Network>;
}

/** A host port that leads into a pod. */
export interface HostPort {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** Address of the node it listens on; empty: every one. */
  readonly hostIP: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

/** A pod as far as host ports are concerned: they lead to its first addresses. */
export interface PortedPod {
  readonly uid: string;
  readonly address: string;
  /** The address of IPv6 that goes with it; absent: none. */
  readonly ipv6?: string | undefined;
  readonly hostPorts: readonly HostPort[];
}

/** One pod's place in the network. The namespace is pinned at `${runDir}/netns/${uid}`. */
export interface PodLink {
  readonly uid: string;
  /** Address from the node's podCIDR, or from its share of a network; empty for a pod that is on no network. */
  readonly address: string;
  /** Links to further networks, each with an address of the node's share. */
  readonly further?: readonly FurtherLink[];
  readonly hostPorts: readonly HostPort[];
  /** May reach the ports that belong to Tallship itself. Absent: no. */
  readonly reachesInternals?: boolean;
}

/** A pod's link to a network that is not its first. */
export interface FurtherLink {
  /** Device in the pod: eth1 and so on. */
  readonly interface: string;
  readonly address: string;
}

/** What others must know of a node to reach its pods, beside what is fixed while its agent runs. */
export interface Published {
  /** Its keys for encrypted tunnels. */
  readonly tunnels: readonly PublishedKey[];
  /** Its host's address of IPv6 on the link, where peers are reached over it; empty: none. */
  readonly linkIpv6: string;
  /** Every address of IPv4 at which the host is reached there beside the one that others know it by; undefined: nobody has looked yet. */
  readonly hostIpv4: readonly string[] | undefined;
  /** Every address of IPv6 at which the host is reached there, lasting ones first; undefined: nobody has looked yet. */
  readonly hostIpv6: readonly string[] | undefined;
  /** Whether connections that stand take a shortcut: open, or why not; empty: not known yet, or there is none in such a cluster. */
  readonly shortcut: string;
}

/** What a node has told before it knows anything. */
export const NOTHING_PUBLISHED: Published = {
  ...{ tunnels: [], linkIpv6: "", shortcut: "" },
  ...{ hostIpv4: undefined, hostIpv6: undefined },
};

/** What the kernel gave the node's overlay device. */
export interface OverlayDevice {
  readonly vtepMAC: string;
  /** MTU of pods' devices, bytes. */
  readonly mtu: number;
  /** Whether answers to clients from outside go back by the node they came to. */
  readonly leadsBack: boolean;
  /** The same of IPv6. */
  readonly leadsBackIpv6: boolean;
}

/** What the kernel lets the node's network do. */
export interface NetworkAbilities extends OverlayDevice {
  /** Whether connections of SCTP are led to services. */
  readonly tracksSctp: boolean;
}

/**
 * A node's part of the network: overlay, service proxy and pods' links. Level-triggered: what somebody deletes is put back.
 * All methods are idempotent. Failures: kernel_failed.
 */
export interface NodeNetwork {
  /** Creates or adopts the devices and tables. What a former agent's map left stands until the first setMap. Again after a failure. */
  start(): Promise<NetworkAbilities>;
  /** The map to reflect from now on; several calls in a row are one. */
  setMap(map: NetworkMap): void;
  /** What is done about faults of the network from now on; several calls in a row are one. */
  remedy(remedies: Remedies): void;
  /** What is done about them; after the start what a former agent did. */
  readonly remedies: Remedies;
  /** What policies mean for the node's pods from now on; several calls in a row are one. Before the first a former agent's rules stand. */
  setPolicies(policies: PolicyMap): void;
  /** Resolves once the kernel holds what policies say of an attached pod. Rejects when the signal aborts, or with unavailable when nobody says it in time. */
  firewalled(uid: string, signal: AbortSignal): Promise<void>;
  /**
   * The node's share of a network, by namespace/name, once the kernel leads to it. Rejects with the reason when the network cannot be joined here, when
   * the signal aborts, or with unavailable when there is no share in time.
   */
  shareOf(network: string, signal: AbortSignal): Promise<string>;
  /** The address of IPv6 that goes with an address of the node's subnet or of a share that it has; undefined: none. */
  ipv6Of(address: string): string | undefined;
  /** Calls with what others must know of the node, when it changes. Before the first call: nothing. */
  onPublished(listener: (published: Published) => void): void;
  /** Calls with the revision of the map that the kernel has come to reflect. */
  onApplied(listener: (revision: number) => void): void;
  /**
   * Namespace, veth, address and routes of pods. Calls made while a batch runs are one batch, and a call fails only for its own links:
   * one call per pod costs no more than one for all.
   */
  attach(links: readonly PodLink[]): Promise<void>;
  /** Takes pods' links away; gone when it resolves. Batched like attach. Unknown uids are no error. */
  detach(uids: readonly string[]): Promise<void>;
  /** The links that exist in the kernel now. One that is half made has an empty address: detach it. */
  list(): Promise<readonly ListedLink[]>;
  /** Compares the kernel's state with the wanted one and mends it; returns how many entries differed. */
  repair(): Promise<number>;
  /** Stops watching; the kernel keeps everything. */
  stop(): Promise<void>;
}

/** A pod's link that exists. */
export interface ListedLink {
  readonly uid: string;
  readonly address: string;
  readonly further?: readonly FurtherLink[];
}

/** Path of a pod's pinned network namespace. */
export function netnsPath(runDir: string, uid: string): string {
  return `${runDir}/netns/${uid}`;
}
