import { createHash } from "node:crypto";

/** The overlay's device on every node. */
export const OVERLAY_DEVICE = "tallship0";

/** Every pod's device on the host begins with this; the host's owner can filter by `iifname "tsp*"`. */
export const POD_DEVICE_PREFIX = "tsp";

/** Group of all pods' devices on the host, so that they are listed and deleted without their names. */
export const POD_DEVICE_GROUP = 7453;

/** Mark of the routes that Tallship made (`ip route show proto 84`). */
export const ROUTE_PROTOCOL = 84;

/** MAC of the host's end of every pod link: the same for all, so that a link made anew needs no news in the pod. */
export const HOST_END_MAC = "02:74:73:00:00:01";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** The pod's device on the host: a function of the uid, 15 characters, the longest that Linux allows. */
export function podDevice(uid: string): string {
  const digest = createHash("sha256").update(uid).digest();
  return POD_DEVICE_PREFIX + Array.from(digest.subarray(0, 12), (byte) => ALPHABET[byte & 31]).join("");
}

/** The VTEP's MAC: a function of the node's name, so that peers' entries outlive the device. Locally administered. */
export function vtepMac(nodeName: string): string {
  const digest = createHash("sha256").update(`vtep ${nodeName}`).digest();
  return `02:${Array.from(digest.subarray(0, 5), (byte) => byte.toString(16).padStart(2, "0")).join(":")}`;
}
