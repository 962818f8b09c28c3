import type { Filter } from "../filter.js";
import { selects } from "../peers.js";

/**
 * Refuses nodes that are not near a pod that the pod's affinity demands. While there is no such pod at all, a pod that its own affinity
 * selects may start the group, on any node that has the labels.
 */
export const podAffinity: Filter = {
  name: "pod-affinity",
  prepare: (shape, snapshot) => {
    const { affinity = [] } = shape.peers ?? {};
    if (affinity.length === 0) return undefined;
    const counts = affinity.map((term) => snapshot.selectedBy(term));
    const selectsItself = affinity.every((term) => selects(term, shape));
    const mayStart = (): boolean => selectsItself && counts.every(({ isNowhere }) => isNowhere);
    const takes = (slot: number, isFirst: boolean): boolean =>
      counts.every((count) => {
        const near = count.at(slot);
        return near !== undefined && (near > 0 || isFirst);
      });
    return {
      staticKey: undefined,
      farChanges: () => counts.reduce((total, { farChanges }) => total + farChanges, 0),
      sift: (fits, from, to) => {
        const isFirst = mayStart();
        for (let slot = from; slot < to; slot += 1) if (fits[slot] === 1 && !takes(slot, isFirst)) fits[slot] = 0;
      },
      why: (slot) => (takes(slot, mayStart()) ? [] : [{ reason: "no pod it wants to be near" }]),
    };
  },
};
