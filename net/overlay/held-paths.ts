import { OVERLAY_DEVICE, TUNNEL_DEVICE_PREFIX } from "../device-names.js";
import { familyOf } from "../family.js";
import type { PodWay } from "../health/peer-view.js";
import { gatewayOf, overlaps, parseSubnet, type Subnet } from "../ipv4.js";
import type { Entry, RouteEntry } from "../kernel/entries.js";
import { bytesAround } from "./route-mtu.js";

/** Where the routes of a cluster's own network are to be found. */
export interface RouteGround {
  /** All pods of the cluster. */
  readonly cluster: Subnet;
  /** Device of the link on which peers are reached without VXLAN; undefined: none are. */
  readonly linkDevice: string | undefined;
}

/**
 * What passes to peers' hosts, by the peers' gateways, as the kernel's routes to their pods say it: routeMtu, read the other way. Of IPv4 alone, which every peer has, and of which routes say what
 * passes and not what every link must take.
 */
export function heldPathMtus(entries: readonly Entry[], ground: RouteGround): ReadonlyMap<string, number> {
  return new Map(
    entries.flatMap((entry): readonly (readonly [string, number])[] => {
      if (entry.table !== "route" || entry.mtu === undefined || familyOf(entry.subnet) === "IPv6") return [];
      const way = wayBy(entry.device, ground);
      const gateway = way === undefined ? undefined : peerOf(entry, way, ground);
      return way === undefined || gateway === undefined ? [] : [[gateway, bytesAround(way, entry.mtu)]];
    }),
  );
}

function wayBy(device: string, { linkDevice }: RouteGround): PodWay | undefined {
  if (device === OVERLAY_DEVICE) return "overlay";
  if (device.startsWith(TUNNEL_DEVICE_PREFIX)) return "tunnel";
  return device === linkDevice ? "link" : undefined;
}

/** The overlay's routes name the gateway. Others lead to the peer's subnet, from which it follows; of that a peer's end of a tunnel is but an address. */
function peerOf({ subnet: text, via }: RouteEntry, way: PodWay, { cluster }: RouteGround): string | undefined {
  if (way === "overlay") return via;
  const subnet = parseSubnet(text);
  return subnet !== undefined && subnet.size > 1 && overlaps(cluster, subnet) ? gatewayOf(text) : undefined;
}
