import type { Filter, Refusal } from "../filter.js";
import type { PeerCount } from "../peer-count.js";

const tooClose: readonly Refusal[] = [{ reason: "too close to pods it keeps away from" }];
const unwelcome: readonly Refusal[] = [{ reason: "too close to pods that keep away from it" }];

/** Refuses nodes near pods that the pod's anti-affinity forbids, and near pods whose own anti-affinity forbids the pod. */
export const podAntiAffinity: Filter = {
  name: "pod-anti-affinity",
  prepare: (shape, snapshot) => {
    const avoided = (shape.peers?.antiAffinity ?? []).map((term) => snapshot.selectedBy(term));
    const repelling = snapshot.repelling(shape);
    const counts = [...avoided, ...repelling];
    if (counts.length === 0) return undefined;
    return {
      staticKey: undefined,
      farChanges: () => counts.reduce((total, { farChanges }) => total + farChanges, 0),
      sift: (fits, from, to) => {
        for (let slot = from; slot < to; slot += 1) if (fits[slot] === 1 && isNearAny(counts, slot)) fits[slot] = 0;
      },
      why: (slot) => {
        if (isNearAny(avoided, slot)) return tooClose;
        return isNearAny(repelling, slot) ? unwelcome : [];
      },
    };
  },
};

function isNearAny(counts: readonly PeerCount[], slot: number): boolean {
  return counts.some((count) => (count.at(slot) ?? 0) > 0);
}
