import type { TallshipError } from "../../lib/errors.js";
import type { Family } from "../family.js";
import type { Entry, EntryChange } from "./entries.js";
import type { FirewallChange, FirewallTable } from "./firewall.js";
import type { ElementChange, RuleElement, RuleFrame, RuleMap } from "./rules.js";

/** How a pod is wired: a veth from its namespace to the host, routed. */
export interface PodWiring {
  readonly uid: string;
  /** Empty: the pod gets a namespace and its loopback, and no link. */
  readonly address: string;
  /** MTU of both ends, bytes. */
  readonly mtu: number;
  /** Next hop of all the pod's packets, and the source of the host's packets to it. */
  readonly gateway: string;
  /** Its address of IPv6 on the same link, and the next hop of its packets; absent: none. */
  readonly ipv6?: Ipv6Wiring | undefined;
  /** Links to further networks. */
  readonly further?: readonly FurtherWiring[];
}

/** What a link has of IPv6. */
export interface Ipv6Wiring {
  readonly address: string;
  readonly gateway: string;
  /** What is reached by a further link; the first leads everywhere. */
  readonly subnet: string;
  /** Packets of IPv6 for whatever else leave by this further link: the first has no IPv6. Absent: no. */
  readonly isWayOut?: boolean;
}

/** A further link of a pod, for packets to one subnet only. */
export interface FurtherWiring {
  /** Device in the pod, such as eth1. */
  readonly interface: string;
  readonly address: string;
  readonly mtu: number;
  readonly gateway: string;
  /** What is reached by it. */
  readonly subnet: string;
  readonly ipv6?: Ipv6Wiring | undefined;
}

/** A pod's link as the kernel has it. */
export interface PodDevice {
  readonly uid: string;
  /** Empty when the link is half made. */
  readonly address: string;
  /** Namespace, device, route and neighbour are all there and up; those of further links as well. */
  readonly isWhole: boolean;
  /** The IPv6 address that the host leads to it; absent: none. */
  readonly ipv6?: string | undefined;
  /** Further links, in order of their devices in the pod. */
  readonly further: readonly FurtherDevice[];
}

/** A further link as the kernel has it. */
export interface FurtherDevice {
  readonly interface: string;
  readonly address: string;
  readonly ipv6?: string | undefined;
}

/** Connections to forget: those the proxy translated. Absent fields match anything. */
export interface FlowFilter {
  readonly protocol: "tcp" | "udp" | "sctp";
  /** Where the client sent to. */
  readonly sentTo?: string;
  readonly sentToPort?: number;
  /** The endpoint that was chosen. */
  readonly endpoint?: string;
  readonly endpointPort?: number;
  /** Only those of TCP that were begun and to which nobody has answered yet. */
  readonly isUnanswered?: boolean;
}

/** A connection that the kernel tracks. */
export interface TrackedFlow {
  /** tcp, udp, sctp or another protocol's name. */
  readonly protocol: string;
  /** Who began it. */
  readonly from: string;
  /** Who answers: the endpoint, where a service was asked. */
  readonly to: string;
  /** Port that answers; 0 for protocols without. */
  readonly port: number;
  /** What the first packet bore, which names the connection: addresses, and ports or 0. */
  readonly sentTo: string;
  readonly fromPort: number;
  readonly sentToPort: number;
}

/** An element of a set or map of the firewall's table. */
export interface FirewallElement {
  readonly set: string;
  readonly key: string;
  readonly value: string;
}

/** The other end of a tunnel. */
export interface TunnelEnd {
  readonly publicKey: string;
  /** Where it listens, address:port. */
  readonly endpoint: string;
  /** Ranges whose packets go to it and are taken from it; sorted. */
  readonly allowed: readonly string[];
}

/** A device of encrypted tunnels, one to each of its ends. */
export interface TunnelDevice {
  readonly device: string;
  readonly publicKey: string;
  /** UDP port that it listens on. */
  readonly port: number;
  readonly ends: readonly TunnelEnd[];
}

/** A device of tunnels as the kernel has it. */
export interface HeldTunnel extends TunnelDevice {
  /** Public keys of ends that have answered within the last minutes. */
  readonly met: ReadonlySet<string>;
}

/** A host's device that carries the underlay. */
export interface UnderlayDevice {
  readonly device: string;
  readonly mtu: number;
  /** Of the address: which others are on the same link. */
  readonly prefixLength: number;
  /** The device's other addresses of IPv4, at which the host is reached as well, sorted; absent: none. */
  readonly hostIpv4?: readonly string[] | undefined;
  /** The device's own address of IPv6 that holds on its link alone; absent: none, or the cluster has IPv4 alone. */
  readonly linkIpv6?: string | undefined;
  /** The device's other addresses of IPv6, at which the host is reached, lasting ones first; absent: none, or the cluster has IPv4 alone. */
  readonly hostIpv6?: readonly string[] | undefined;
}

/** A port of the host's own ::1, and the pod's port that it leads to. */
export interface LoopbackDoor {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly address: string;
  readonly toPort: number;
}

/** One that could not be opened. */
export interface RefusedDoor extends LoopbackDoor {
  /** Somebody else has the port; else the program that is to listen there did not come up. */
  readonly isTaken: boolean;
}

/** What decides on the packets of one address family: two tables of rules, and the connections that the kernel tracks. */
export interface PacketTables {
  /** Replaces the proxy's table by these rules and elements in one transaction. */
  replaceRules(frame: RuleFrame, elements: Iterable<RuleElement>): Promise<void>;
  /** Changes elements in one transaction: all or none. Strict: fails when an added element is there with another value, or a deleted one absent. */
  changeElements(changes: readonly ElementChange[]): Promise<void>;
  /** Whether there is a table; costs next to nothing. */
  hasRules(): Promise<boolean>;
  /** Differs from an earlier answer when somebody changed the table, its chains, rules or maps; blind to elements. Empty: no table. */
  ruleFingerprint(): Promise<string>;
  /** Visits elements of the maps named, in no order. Expensive for big maps. */
  readElements(maps: readonly RuleMap[], visit: (element: RuleElement) => void): Promise<void>;

  /** Replaces the firewall's table in one transaction. */
  replaceFirewall(table: FirewallTable): Promise<void>;
  /** Changes the firewall's table in one transaction: all or none. Strict, as changeElements is. */
  changeFirewall(changes: readonly FirewallChange[]): Promise<void>;
  /** Whether there is a firewall's table; costs next to nothing. */
  hasFirewall(): Promise<boolean>;
  /** As ruleFingerprint, of the firewall's table. */
  firewallFingerprint(): Promise<string>;
  /** Visits every element of the firewall's table, in no order. Expensive for many. */
  readFirewall(visit: (element: FirewallElement) => void): Promise<void>;

  /** The connections that one of the addresses began or answers. */
  readFlows(addresses: readonly string[]): Promise<readonly TrackedFlow[]>;
  /** Visits every connection whose destination was translated, by whomever, in no order. */
  readTranslated(visit: (flow: TrackedFlow) => void): Promise<void>;
  /** Makes the kernel forget these connections; one that is over is no error. */
  cutFlows(flows: readonly TrackedFlow[]): Promise<void>;
  /** Makes the kernel decide anew for connections that match any filter. */
  forgetFlows(filters: readonly FlowFilter[]): Promise<void>;
}

/**
 * Edge: the network tables of one host's network namespace. Real: ip, bridge and nft. Simulated: maps in memory.
 * Everything is idempotent: adding what is there and deleting what is absent succeed. Failures: kernel_failed.
 */
export interface Kernel extends PacketTables {
  /** The device that has the address; undefined when none has. */
  underlay(address: string): Promise<UnderlayDevice | undefined>;
  /** What the tables hold: all entries of the devices named and of every network's overlay device, own refusals, and the settings named. */
  readEntries(devices: readonly string[], settings: readonly string[]): Promise<readonly Entry[]>;
  /** Applies all changes in order. Every one is tried; the first that fails is thrown. */
  changeEntries(changes: readonly EntryChange[]): Promise<void>;

  /** Whether the kernel looks for routes of a family by the marks of packets. */
  routesByMark(family: Family): Promise<boolean>;
  /** Whether the kernel tracks connections of SCTP: it leads none to services otherwise. To be asked once there is a proxy's table. */
  tracksSctp(): Promise<boolean>;
  /** Whether the device leaves checksums of what it sends to the network card; undefined when it cannot be known. */
  leavesChecksums(device: string): Promise<boolean | undefined>;
  /** Has the device leave checksums to the card, or not. */
  leaveChecksums(device: string, isLeft: boolean): Promise<void>;
  /** Every device of tunnels among these. */
  readTunnels(devices: readonly string[]): Promise<readonly HeldTunnel[]>;
  /** Makes a device of tunnels or changes it to this; what stays the same of it is not interrupted. The key is the private one, base64. */
  setTunnel(tunnel: TunnelDevice, settings: { readonly key: string; readonly mtu: number }): Promise<void>;
  /** Takes devices of tunnels away, with what runs for them. */
  removeTunnels(devices: readonly string[]): Promise<void>;

  /** Tells whoever is on the device's link that these addresses are here now, some times over; does not wait until it is done. */
  announce(device: string, addresses: readonly string[]): Promise<void>;

  /** The ports of ::1 that are led to pods. */
  readDoors(): Promise<readonly LoopbackDoor[]>;
  /** Leads ports of ::1 to pods; returns those that cannot be had. */
  openDoors(doors: readonly LoopbackDoor[]): Promise<readonly RefusedDoor[]>;
  /** Ends that, with the connections that came by it; one that is not open is no error. */
  closeDoors(doors: readonly LoopbackDoor[]): Promise<void>;

  /** Makes links, or completes those half made. Returns the failures by uid. */
  createPods(pods: readonly PodWiring[]): Promise<ReadonlyMap<string, TallshipError>>;
  /** Takes links and the pins of their namespaces away; gone when it returns. Returns the failures by uid. */
  removePods(uids: readonly string[]): Promise<ReadonlyMap<string, TallshipError>>;
  /** Every link and every pinned namespace, half made ones included. */
  listPods(): Promise<readonly PodDevice[]>;

  /** The tables of IPv6, in which only its packets are seen. */
  readonly ipv6: PacketTables;
  /** Ends what runs on behalf of this edge; the tables stay. */
  close(): Promise<void>;
}
