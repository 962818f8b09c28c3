import { allOf, type Filter } from "../filter.js";
import type { PeerCount } from "../peer-count.js";
import { selects } from "../peers.js";
import { regionOf } from "../topology.js";

/**
 * Refuses nodes that are not near a pod that the pod's affinity demands. While there is no such pod at all, a pod that its own affinity
 * selects may start the group, on any node that has the labels.
 */
export const podAffinity: Filter = {
  name: "pod-affinity",
  prepare: (shape, snapshot) => {
    if (shape.peers === undefined) return undefined;
    const { affinity } = shape.peers;
    const counts = affinity.map((term) => snapshot.selectedBy(term));
    const selectsItself = affinity.every((term) => selects(term, shape));
    const mayStart = (): boolean => selectsItself && counts.every(({ isNowhere }) => isNowhere);
    const takes = (count: PeerCount, slot: number, isFirst: boolean): boolean => {
      const near = count.at(slot);
      return near !== undefined && (near > 0 || isFirst);
    };
    return allOf(
      counts.map((count) => ({
        region: regionOf(count.topology),
        // Whether the pod is the first hangs on all of them.
        farChanges: () => counts.reduce((total, { farChanges }) => total + farChanges, 0),
        lets: (slot) => takes(count, slot, mayStart()),
        sift: (fits, from, to) => {
          const isFirst = mayStart();
          for (let slot = from; slot < to; slot += 1)
            if (fits[slot] === 1 && !takes(count, slot, isFirst)) fits[slot] = 0;
        },
        why: (slot) => (takes(count, slot, mayStart()) ? [] : [{ reason: "no pod it wants to be near" }]),
      })),
    );
  },
};
