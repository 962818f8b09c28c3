import { TUNNEL_DEVICE_PREFIX } from "../device-names.js";
import { type Fault, isDead } from "./diagnose.js";
import { isWayOf, type NetworkWay } from "./network-ways.js";
import type { LaneView } from "./peer-view.js";

/** What is known of a way by a network, as of one moment. */
export interface NetworkWayView {
  readonly way: NetworkWay;
  readonly lane: LaneView;
  /** The peer answers on the cluster's own network: what is silent beside it is the network's own fault. */
  readonly isPeerReached: boolean;
  /** By what the kernel would send a packet to the peer's gateway; empty: it has no route. Undefined: it was not asked. */
  readonly routeDevice: string | undefined;
}

/** What is at fault with a network on the way to a peer; undefined when nothing is, or the peer as a whole is away, or not enough is known. Pure. */
export function diagnoseNetwork({ way, lane, isPeerReached, routeDevice }: NetworkWayView): Fault | undefined {
  if (!isDead(lane) || !isPeerReached || routeDevice === undefined) return undefined;
  const { network, peer, device, family } = way;
  const packets = `packets ${family === "IPv6" ? "of IPv6 " : ""}of network ${network}`;
  if (!isWayOf(way, routeDevice)) {
    const where = routeDevice === "" ? "have no route" : `leave by ${routeDevice}`;
    const instead = device === TUNNEL_DEVICE_PREFIX ? "an encrypted tunnel" : device;
    return {
      kind: "WrongRoute",
      direction: "to",
      message: `${packets} for ${peer} ${where}, where ${instead} should take them`,
    };
  }
  return {
    kind: "NetworkBlocked",
    direction: "both",
    message: `${packets} to ${peer} by ${routeDevice} are not answered, those of the cluster's own network are: a filter or a damaged device on one of the hosts`,
  };
}
