import type { PeerCount } from "../peer-count.js";
import { crowding, MAX_POINTS } from "../points.js";
import { addEach, type Score, type Scorer, sumOf } from "../score.js";
import { regionOf } from "../topology.js";

/** Prefers nodes near pods, and avoids nodes near others, by the weights of the preferred terms of the pod's affinity and anti-affinity. The first pods count most. */
export const preferredPods: Score = {
  name: "preferred-pods",
  prepare: ({ peers }, snapshot) => {
    if (peers === undefined) return undefined;
    const { preferred } = peers;
    const most = preferred.reduce((total, { weight }) => total + Math.abs(weight), 0);
    return sumOf(preferred.map(({ term, weight }) => pull(snapshot.selectedBy(term), weight, most)));
  },
};

/** Points for pods nearby: all of them for as many as can be at a weight of `most`. A negative weight takes points. */
export function pull(count: PeerCount, weight: number, most: number): Scorer {
  const pointsAt = (slot: number): number =>
    Math.sign(weight) * Math.floor((Math.abs(weight) * crowding(count.at(slot) ?? 0)) / most);
  return {
    ceiling: weight > 0 ? MAX_POINTS : 0,
    region: regionOf(count.topology),
    farChanges: () => count.farChanges,
    at: pointsAt,
    add: addEach(pointsAt),
  };
}
