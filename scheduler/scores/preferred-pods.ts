import type { PeerCount } from "../peer-count.js";
import { crowding, type Score } from "../score.js";

/** Prefers nodes near pods, and avoids nodes near others, by the weights of the preferred terms of the pod's affinity and anti-affinity. The first pods count most. */
export const preferredPods: Score = {
  name: "preferred-pods",
  prepare: ({ peers }, snapshot) => {
    const { preferred = [] } = peers ?? {};
    if (preferred.length === 0) return undefined;
    const most = preferred.reduce((total, { weight }) => total + Math.abs(weight), 0);
    const terms = preferred.map(({ term, weight }) => ({ weight, count: snapshot.selectedBy(term) }));
    const points = (slot: number, { weight, count }: { weight: number; count: PeerCount }): number =>
      Math.sign(weight) * Math.floor((Math.abs(weight) * crowding(count.at(slot) ?? 0)) / most);
    return {
      farChanges: () => terms.reduce((total, { count }) => total + count.farChanges, 0),
      add: (sums, weight, from, to) => {
        for (let slot = from; slot < to; slot += 1)
          sums[slot] = terms.reduce((sum, each) => sum + weight * points(slot, each), sums[slot] ?? 0);
      },
    };
  },
};
