import { createHash } from "node:crypto";

/** The overlay's device on every node. */
export const OVERLAY_DEVICE = "tallship0";

/** Every pod's device on the host begins with this; the host's owner can filter by `iifname "tsp*"`. */
export const POD_DEVICE_PREFIX = "tsp";

/** Every overlay device of a network beside the cluster's own begins with this. */
export const NETWORK_DEVICE_PREFIX = "tsn";

/** Devices of Tallship's: their addresses are none of the host's own. */
export const OWN_DEVICES = /^(tallship0$|tsp|tsn|tsw)/;
/** Every encrypted tunnel's device begins with this. */
export const TUNNEL_DEVICE_PREFIX = "tsw";

/** True for devices of networks beside the cluster's own: their overlays and tunnels. */
export function isOfNetworks(device: string): boolean {
  return device.startsWith(NETWORK_DEVICE_PREFIX) || device.startsWith(TUNNEL_DEVICE_PREFIX);
}

/** Device in a pod that has its first address. */
export const FIRST_INTERFACE = "eth0";

/** Group of all pods' devices on the host, so that they are listed and deleted without their names. */
export const POD_DEVICE_GROUP = 7453;

/** Mark of the routes that Tallship made (`ip route show proto 84`). */
export const ROUTE_PROTOCOL = 84;

/** MAC of the host's end of every pod link: the same for all, so that a link made anew needs no news in the pod. */
export const HOST_END_MAC = "02:74:73:00:00:01";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** The host's end of a pod's device: a function of the uid and of the device's name in the pod, 15 characters, the longest that Linux allows. */
export function podDevice(uid: string, inside: string = FIRST_INTERFACE): string {
  return POD_DEVICE_PREFIX + digestName(inside === FIRST_INTERFACE ? uid : `${uid}/${inside}`);
}

/** The overlay device of a network: a function of what names it, namespace/name. */
export function networkDevice(network: string): string {
  return NETWORK_DEVICE_PREFIX + digestName(network);
}

/** The device of a node's tunnels: of two generations of keys that follow each other, each has its own. wireguard-go keeps its sockets by these names for all network namespaces. */
export function tunnelDevice(nodeName: string, generation: number): string {
  return `${TUNNEL_DEVICE_PREFIX}${generation % 2 === 0 ? "a" : "b"}${digestName(`tunnel ${nodeName}`).slice(0, 8)}`;
}

function digestName(text: string): string {
  const digest = createHash("sha256").update(text).digest();
  return Array.from(digest.subarray(0, 12), (byte) => ALPHABET[byte & 31]).join("");
}

/** The VTEP's MAC: a function of the node's name, so that peers' entries outlive the device. Locally administered. */
export function vtepMac(nodeName: string): string {
  const digest = createHash("sha256").update(`vtep ${nodeName}`).digest();
  return `02:${Array.from(digest.subarray(0, 5), (byte) => byte.toString(16).padStart(2, "0")).join(":")}`;
}
