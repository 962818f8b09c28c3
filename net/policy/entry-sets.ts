import { OVERLAY_DEVICE } from "../device-names.js";
import { EVERYWHERE, type Family, hostPrefix, rangeTest } from "../family.js";
import type { Entry, RouteEntry } from "../kernel/entries.js";
import type { FirewallSet } from "../kernel/firewall.js";
import { hex } from "../overlay/way-back.js";

/** A node that hands clients of its own on to this one. */
interface EntryNode {
  readonly gateway: string;
  readonly mac: string;
  readonly host: string;
  /** Of the connections that come by it. */
  readonly mark: number;
}

/** Who may hand clients of a family on to this node: the host and the MAC that it has in the tunnel. */
export function entryEnds(overlay: readonly Entry[], family: Family): FirewallSet {
  return setOf(
    "typeof ip saddr . @th,176,48;",
    entryNodes(overlay, family).map(({ host, mac }) => `${host} . ${numberOf(mac)}`),
  );
}

/** How clients are marked, by the MAC of the node that they came to. */
export function entryMarks(overlay: readonly Entry[], family: Family): FirewallSet {
  const elements = new Map(entryNodes(overlay, family).map(({ mac, mark }) => [mac, hex(mark)]));
  return { is: "map", type: "type ether_addr : mark;", elements };
}

/** To which nodes' pods this node's clients may go under their own addresses. */
export function leadingBack(overlay: readonly Entry[], family: Family, clusterCIDR: string): FirewallSet {
  const ways = new Set(entryNodes(overlay, family).map(({ gateway }) => gateway));
  // Other networks have routes by the same gateways; and a gateway that has one of its own has that to its subnet too.
  const isInCluster = rangeTest(clusterCIDR);
  const isPods = ({ subnet, via }: RouteEntry): boolean =>
    subnet !== hostPrefix(via) && isInCluster(subnet.slice(0, subnet.indexOf("/")));
  const subnets = ownRoutes(overlay).flatMap((route) => (ways.has(route.via) && isPods(route) ? [route.subnet] : []));
  return setOf(`type ${family === "IPv4" ? "ipv4_addr" : "ipv6_addr"}; flags interval;`, [...new Set(subnets)]);
}

/** What the overlay's entries say of ways back, read the other way. */
function entryNodes(overlay: readonly Entry[], family: Family): readonly EntryNode[] {
  const own = overlay.filter(isOwn);
  const macs = new Map(own.flatMap((entry) => (entry.table === "neigh" ? [[entry.ip, entry.mac] as const] : [])));
  const hosts = new Map(
    own.flatMap((entry) => (entry.table === "fdb" ? [[entry.mac, entry.underlayIp] as const] : [])),
  );
  return ownRoutes(overlay).flatMap(({ subnet, via: gateway, inTable: mark }) => {
    const mac = macs.get(gateway) ?? "";
    const host = hosts.get(mac);
    if (subnet !== EVERYWHERE[family] || host === undefined || mark === undefined) return [];
    return [{ gateway, mac, host, mark }];
  });
}

function ownRoutes(overlay: readonly Entry[]): readonly RouteEntry[] {
  return overlay.filter((entry): entry is RouteEntry => entry.table === "route" && isOwn(entry));
}

function isOwn(entry: Entry): boolean {
  return "device" in entry && entry.device === OVERLAY_DEVICE;
}

/** A MAC as nft prints bytes that it knows no name for. */
function numberOf(mac: string): string {
  return `0x${Number.parseInt(mac.replaceAll(":", ""), 16).toString(16)}`;
}

function setOf(type: string, keys: readonly string[]): FirewallSet {
  return { is: "set", type, elements: new Map(keys.map((key) => [key, ""])) };
}
