import { bytesAround, bytesWithin } from "../overlay/route-mtu.js";
import { isDead } from "./diagnose.js";
import { type PeerView, wayTo } from "./peer-view.js";
import { sizesBelow } from "./probe-plan.js";

/** Whether packets were seen to pass lately that are as large on the link as it takes: through overlay and tunnel pods' full ones are, over the link itself only the hosts' own. */
export function isFullPassing(view: PeerView): boolean {
  const { "underlay-full": hosts, "overlay-full": pods } = view.lanes;
  return wayTo(view) === "link" ? hosts.answered > 0 && !isDead(pods) : pods.answered > 0;
}

/** Bytes of the largest IP packet that is known to pass to the peer's host, of those that looked for it; undefined when none looked. */
export function pathMtuOf(view: PeerView): number | undefined {
  const { underlay, overlay } = view.passing;
  const way = wayTo(view);
  // Over the link both are the same packets, of which pods' are not the largest, unless somebody drops these alone.
  if (way === "link") return isDead(view.lanes["overlay-full"]) ? (overlay ?? underlay) : (underlay ?? overlay);
  if (overlay === undefined || underlay === undefined)
    return overlay === undefined ? underlay : bytesAround(way, overlay);
  // Sizes are tried in steps, which are not the same in other headers: what passed outside passes unless the next step inside would have fitted, too.
  const full = view.fullBytes.overlay;
  const next = sizesBelow(full).findLast((bytes) => bytes > overlay) ?? full;
  return bytesAround(way, next) > underlay ? Math.max(underlay, bytesAround(way, overlay)) : bytesAround(way, overlay);
}

/** The same of pods' packets, none of which is larger than a full one. */
export function podMtuOf(view: PeerView): number | undefined {
  const pathMtu = pathMtuOf(view);
  return pathMtu === undefined ? undefined : Math.min(bytesWithin(wayTo(view), pathMtu), view.fullBytes.overlay);
}
