import { OVERLAY_DEVICE } from "../device-names.js";
import { gatewayOf } from "../ipv4.js";
import type { Entry, RouteEntry } from "../kernel/entries.js";
import type { FirewallSet } from "../kernel/firewall.js";
import { EVERYWHERE, hex, returnMark } from "../overlay/way-back.js";

/** From whom clients of other nodes come, how they are marked, and to whom this node's clients may go: what the overlay's entries say, read the other way. */
export function entrySets(overlay: readonly Entry[]): readonly [string, FirewallSet][] {
  const own = overlay.filter((entry) => "device" in entry && entry.device === OVERLAY_DEVICE);
  const macs = new Map(own.flatMap((entry) => (entry.table === "neigh" ? [[entry.ip, entry.mac] as const] : [])));
  const hosts = new Map(
    own.flatMap((entry) => (entry.table === "fdb" ? [[entry.mac, entry.underlayIp] as const] : [])),
  );
  const routes = own.filter((entry): entry is RouteEntry => entry.table === "route");
  const backWays = new Set(routes.flatMap(({ subnet, via }) => (subnet === EVERYWHERE ? [via] : [])));
  const peers = [...backWays].flatMap((gateway) => {
    const mac = macs.get(gateway) ?? "";
    const host = hosts.get(mac);
    return host === undefined ? [] : [{ gateway, mac, host }];
  });
  // Other networks have routes by the same gateways.
  const subnets = routes.filter(
    ({ subnet, via }) => backWays.has(via) && subnet !== EVERYWHERE && gatewayOf(subnet) === via,
  );
  return [
    [
      "entry-ends",
      setOf(
        "typeof ip saddr . @th,176,48;",
        peers.map(({ host, mac }) => `${host} . ${numberOf(mac)}`),
      ),
    ],
    [
      "entry-marks",
      {
        is: "map",
        type: "type ether_addr : mark;",
        elements: new Map(peers.map(({ mac, gateway }) => [mac, hex(returnMark(gateway))])),
      },
    ],
    ["leading-back", setOf("type ipv4_addr; flags interval;", [...new Set(subnets.map(({ subnet }) => subnet))])],
  ];
}

/** A MAC as nft prints bytes that it knows no name for. */
function numberOf(mac: string): string {
  return `0x${Number.parseInt(mac.replaceAll(":", ""), 16).toString(16)}`;
}

function setOf(type: string, keys: readonly string[]): FirewallSet {
  return { is: "set", type, elements: new Map(keys.map((key) => [key, ""])) };
}
