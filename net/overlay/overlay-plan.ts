import { OVERLAY_DEVICE, vtepMac } from "../device-names.js";
import { type Family, familyOf } from "../family.js";
import { contains, gatewayOf, maskedSubnet, parseAddress, type Subnet } from "../ipv4.js";
import { ipv6GatewayOf, ipv6Hop } from "../ipv6.js";
import type { Entry, RouteEntry } from "../kernel/entries.js";
import type { UnderlayDevice } from "../kernel/kernel.js";
import type { NodeNetworkConfig } from "../node-network.js";
import type { Peer } from "./peers.js";
import { type HostPaths, OVERHEAD_BYTES, routeMtu } from "./route-mtu.js";
import { markRules, returnMark, wayBackTo } from "./way-back.js";

/** Bytes that VXLAN adds to a pod's packet. */
export const VXLAN_OVERHEAD_BYTES = OVERHEAD_BYTES.overlay;

/** Bytes that what the cluster's own network goes through between hosts adds to a packet. */
export function overheadOf({ encrypted }: Pick<NodeNetworkConfig, "encrypted">): number {
  return OVERHEAD_BYTES[encrypted ? "tunnel" : "overlay"];
}

const OVERLAY_SETTINGS: readonly string[] = ["net.ipv4.ip_forward", "net.ipv4.conf.all.send_redirects"];
const IPV6_FORWARDING = "net.ipv6.conf.all.forwarding";

/** What this node needs before any peer is known: the device, its addresses, the ways to services and to nowhere. */
export function baseEntries(config: NodeNetworkConfig, underlayMtu: number): readonly Entry[] {
  const gateway = gatewayOf(config.podCIDR);
  return [
    { table: "setting", name: "net.ipv4.ip_forward", value: "1" },
    // A device redirects if it or `all` says so: other devices keep their own setting, pods' say no.
    { table: "setting", name: "net.ipv4.conf.all.send_redirects", value: "0" },
    {
      table: "device",
      device: OVERLAY_DEVICE,
      vni: config.vni,
      port: config.vxlanPort,
      underlayIp: config.underlayIP,
      mac: vtepMac(config.nodeName),
      mtu: underlayMtu - overheadOf(config),
    },
    { table: "address", device: OVERLAY_DEVICE, ip: gateway, scope: "global" },
    // Where names are asked. Scope host: the kernel never picks it as the source of a packet that leaves.
    { table: "address", device: OVERLAY_DEVICE, ip: config.dnsAddress, scope: "host" },
    // The host's own connections to services start from the gateway's address, so that answers come back through the overlay.
    { table: "route", device: OVERLAY_DEVICE, subnet: config.serviceCIDR, via: "", source: gateway },
    // Pods that are gone are unreachable at once instead of being looked for on the underlay.
    { table: "refusal", subnet: config.clusterCIDR },
    ...ipv6Entries(config),
  ];
}

function ipv6Entries({ ipv6 }: NodeNetworkConfig): readonly Entry[] {
  if (ipv6 === undefined) return [];
  const gateway = ipv6GatewayOf(ipv6.podCIDR);
  return [
    { table: "setting", name: IPV6_FORWARDING, value: "1" },
    { table: "address", device: OVERLAY_DEVICE, ip: gateway, scope: "global" },
    { table: "route", device: OVERLAY_DEVICE, subnet: ipv6.serviceCIDR, via: "", source: gateway },
    { table: "refusal", subnet: ipv6.clusterCIDR },
  ];
}

/** The link on which peers are reached without VXLAN. */
export interface SharedLink {
  readonly device: string;
  readonly subnet: Subnet;
  /** Whether the host has an address of IPv6 on it, and so may have routes of it there. */
  readonly hasIpv6: boolean;
}

/** The link of the host's own address, where the cluster's peers on it are to be reached without VXLAN. */
export function sharedLink(config: NodeNetworkConfig, underlay: UnderlayDevice): SharedLink | undefined {
  const subnet = maskedSubnet(`${config.underlayIP}/${underlay.prefixLength}`);
  const hasIpv6 = config.ipv6 !== undefined && underlay.linkIpv6 !== undefined;
  return config.directRouting && subnet !== undefined ? { device: underlay.device, subnet, hasIpv6 } : undefined;
}

/** What the shared link needs beside its routes: the host's own 127.0.0.1 may lead to another node's pod, as on the overlay's device. */
function linkEntries(link: SharedLink): readonly Entry[] {
  return [{ table: "setting", name: routeLocalnet(link), value: "1" }];
}

/** Settings that the overlay reads back; those of IPv6 where it is spoken, with the underlay's device. */
export function settingsOf(link?: SharedLink, ipv6On?: UnderlayDevice): readonly string[] {
  return [
    ...OVERLAY_SETTINGS,
    ...(link === undefined ? [] : [routeLocalnet(link)]),
    ...(ipv6On === undefined ? [] : [IPV6_FORWARDING, advertisements(ipv6On.device), ...standInNames(ipv6On.device)]),
  ];
}

/**
 * A host that forwards stops listening to routers' advertisements, and so loses its default route, unless it is told to go on. One that
 * was never to listen is left alone.
 */
export function listeningEntries(
  config: NodeNetworkConfig,
  { device }: UnderlayDevice,
  have: readonly Entry[],
): readonly Entry[] {
  if (config.ipv6 === undefined) return [];
  const name = advertisements(device);
  const isListening = have.some((entry) => entry.table === "setting" && entry.name === name && entry.value !== "0");
  return isListening ? [{ table: "setting", name, value: "2" }] : [];
}

function advertisements(device: string): string {
  return `net/ipv6/conf/${device}/accept_ra`;
}

function routeLocalnet({ device }: SharedLink): string {
  return `net/ipv4/conf/${device}/route_localnet`;
}

/** How peers are reached otherwise than through the overlay by packets of its full size. */
export interface PeerWay {
  /** What passes between hosts. Absent: as much as the devices take. */
  readonly paths?: HostPaths | undefined;
  /** Link on which it may be. */
  readonly link?: SharedLink | undefined;
  /** Whether this node routes packets by their marks. */
  readonly routesByMark?: boolean;
}

/**
 * What one peer needs. The route is last: until it exists no packet looks up the others. Where the way passes only smaller packets than the device's,
 * the route says so, and the kernel tells pods; the gateway then has a route of its own, so that probes go on to see how the way is.
 */
export function peerEntries(peer: Peer, source: string, way: PeerWay = {}): readonly Entry[] {
  const { paths = NO_PATHS, link, routesByMark = false } = way;
  const isDirect = isOnLink(peer, link);
  const isKept = routesByMark && peer.leadsBack === true;
  const { mtu } = routeMtu(paths, { gateway: peer.gateway, way: "overlay", family: "IPv4" });
  return [
    ...podWay(peer, source, { paths, link: isDirect ? link : undefined }),
    ...(isKept ? wayBackTo(peer, { family: "IPv4", mark: returnMark(peer.gateway), source, mtu, isDirect }) : []),
  ];
}

function isOnLink({ underlayIp }: Peer, link: SharedLink | undefined): boolean {
  return link !== undefined && contains(link.subnet, parseAddress(underlayIp) ?? -1);
}

/** Nowhere passes less than devices take. */
const NO_PATHS: HostPaths = { underlayMtu: 0, pathMtus: new Map() };

function podWay(peer: Peer, source: string, { paths = NO_PATHS, link }: PeerWay): readonly Entry[] {
  const { gateway, podCIDR, vtepMac: mac, underlayIp } = peer;
  const by = link === undefined ? { device: OVERLAY_DEVICE, via: gateway } : { device: link.device, via: underlayIp };
  const way = link === undefined ? "overlay" : "link";
  return [
    // Other networks lead strangers through the tunnel to a host that has them: it stands also where no pod's packets take it.
    { table: "neigh", device: OVERLAY_DEVICE, ip: gateway, mac },
    { table: "fdb", device: OVERLAY_DEVICE, mac, underlayIp },
    ...routesTo({
      table: "route",
      ...by,
      subnet: podCIDR,
      source,
      ...routeMtu(paths, { gateway, way, family: "IPv4" }),
    }),
  ];
}

/** Where the route to a peer's subnet holds packets to a size, its gateway has one of its own that does not. */
function routesTo(route: RouteEntry): readonly RouteEntry[] {
  const { mtu, ...whole } = route;
  return mtu === undefined ? [route] : [{ ...whole, subnet: `${gatewayOf(route.subnet)}/32` }, route];
}

/**
 * What leads to a peer's pods by IPv6: over the link where both hosts have told an address there, so that each expects the other's packets by that way;
 * else through the tunnel, which needs none.
 */
export function ipv6PeerEntries(peer: Peer, source: string, way: PeerWay = {}): readonly Entry[] {
  const { ipv6, vtepMac: mac } = peer;
  const { paths = NO_PATHS, link, routesByMark = false } = way;
  if (ipv6 === undefined) return [];
  const { podCIDR: subnet, linkIpv6 } = ipv6;
  const gateway = ipv6Hop(peer.gateway);
  const isDirect = link?.hasIpv6 === true && linkIpv6 !== undefined && isOnLink(peer, link);
  const [overLink, overlaid] = (["link", "overlay"] as const).map((by) =>
    routeMtu(paths, { gateway: peer.gateway, way: by, family: "IPv6" }),
  );
  const back = { family: "IPv6" as const, mark: returnMark(peer.gateway), source, ...overlaid, isDirect };
  return [
    { table: "neigh", device: OVERLAY_DEVICE, ip: gateway, mac },
    isDirect
      ? { table: "route", device: link.device, subnet, via: linkIpv6, source, ...overLink }
      : { table: "route", device: OVERLAY_DEVICE, subnet, via: gateway, source, ...overlaid },
    ...(routesByMark && ipv6.leadsBack ? wayBackTo({ podCIDR: subnet, gateway }, back) : []),
  ];
}

/**
 * Addresses that this node answers for. On the overlay's device, which is Tallship's own: of IPv4 the kernel answers on every link for addresses
 * of any device, of IPv6 where it is told to stand in for them. Scope host: they are never the source of a packet of the host's.
 */
export function announcedEntries(addresses: readonly string[], { device }: UnderlayDevice): readonly Entry[] {
  const ipv6 = addresses.filter((ip) => familyOf(ip) === "IPv6");
  return [
    ...(ipv6.length === 0 ? [] : standInSettings(device)),
    ...addresses.map((ip): Entry => ({ table: "address", device: OVERLAY_DEVICE, ip, scope: "host" })),
    ...ipv6.map((ip): Entry => ({ table: "stand-in", device, ip })),
  ];
}

/** A device stands in for addresses of other devices when it may, and at once: by itself the kernel lets up to 0.8 s pass, for others that could answer too. */
function standInSettings(device: string): readonly Entry[] {
  const [may, delay] = standInNames(device);
  return [
    { table: "setting", name: may, value: "1" },
    { table: "setting", name: delay, value: "0" },
  ];
}

function standInNames(device: string): readonly [string, string] {
  return [`net/ipv6/conf/${device}/proxy_ndp`, `net/ipv6/neigh/${device}/proxy_delay`];
}

/** What one peer needs where the cluster's network is encrypted: there is no other way to it than the tunnel, and without one the refusal takes the packets. */
function sealedEntries(
  { podCIDR, gateway, ipv6 }: Peer,
  sources: GatewaySources,
  { device, paths }: { readonly device: string | undefined; readonly paths: HostPaths },
): readonly Entry[] {
  if (device === undefined) return [];
  const route = { table: "route" as const, device, via: "" };
  const mtu = (family: Family) => routeMtu(paths, { gateway, way: "tunnel", family });
  return [
    ...routesTo({ ...route, subnet: podCIDR, source: sources.ipv4, ...mtu("IPv4") }),
    ...(ipv6 === undefined || sources.ipv6 === undefined
      ? []
      : [{ ...route, subnet: ipv6.podCIDR, source: sources.ipv6, ...mtu("IPv6") }]),
  ];
}

/** This node's own addresses among its pods', by which it speaks to others'. */
interface GatewaySources {
  readonly ipv4: string;
  readonly ipv6: string | undefined;
}

/** The ways to peers. */
export interface PeerWays {
  /** What passes on the way to a peer's host where that is less than elsewhere, by the peer's gateway. */
  readonly pathMtus: ReadonlyMap<string, number>;
  /** By name of a peer: the device of the encrypted tunnel to it. */
  readonly tunnels: ReadonlyMap<string, string>;
  /** Families of which the kernel looks for routes by the marks of packets. Absent: none. */
  readonly markFamilies?: readonly Family[];
}

/** Everything the kernel must hold for the overlay. */
export function overlayEntries(
  config: NodeNetworkConfig,
  underlay: UnderlayDevice,
  peers: readonly Peer[],
  { pathMtus, tunnels, markFamilies = [] }: PeerWays = { pathMtus: new Map(), tunnels: new Map() },
): readonly Entry[] {
  const paths = { underlayMtu: underlay.mtu, pathMtus };
  const source = gatewayOf(config.podCIDR);
  const ipv6Source = config.ipv6 && ipv6GatewayOf(config.ipv6.podCIDR);
  if (config.encrypted)
    return [
      ...baseEntries(config, underlay.mtu),
      ...peers.flatMap((peer) => {
        const way = { device: tunnels.get(peer.name), paths };
        return sealedEntries(peer, { ipv4: source, ipv6: ipv6Source }, way);
      }),
    ];
  const link = sharedLink(config, underlay);
  const [isMarked, isIpv6Marked] = [markFamilies.includes("IPv4"), markFamilies.includes("IPv6")];
  return [
    ...baseEntries(config, underlay.mtu),
    ...(link === undefined ? [] : linkEntries(link)),
    ...(isMarked ? markRules("IPv4", link !== undefined) : []),
    ...(isIpv6Marked ? markRules("IPv6", link?.hasIpv6 === true) : []),
    ...peers.flatMap((peer) => {
      const way = { paths, link };
      const byIpv6 = { ...way, routesByMark: isIpv6Marked };
      const ipv6 = ipv6Source === undefined ? [] : ipv6PeerEntries(peer, ipv6Source, byIpv6);
      return [...peerEntries(peer, source, { ...way, routesByMark: isMarked }), ...ipv6];
    }),
  ];
}
