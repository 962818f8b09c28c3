import { allOf, type Filter, type Refusal, type Sieve, siftBy } from "../filter.js";
import type { PeerCount } from "../peer-count.js";
import { regionOf } from "../topology.js";

const tooClose: readonly Refusal[] = [{ reason: "too close to pods it keeps away from" }];
const unwelcome: readonly Refusal[] = [{ reason: "too close to pods that keep away from it" }];

/** Refuses nodes near pods that the pod's anti-affinity forbids, and near pods whose own anti-affinity forbids the pod. */
export const podAntiAffinity: Filter = {
  name: "pod-anti-affinity",
  prepare: (shape, snapshot) => {
    const avoided = (shape.peers?.antiAffinity ?? []).map((term) => snapshot.selectedBy(term));
    const repelling = snapshot.repelling(shape);
    return allOf([
      ...avoided.map((count) => apartFrom(count, tooClose)),
      ...repelling.map((count) => apartFrom(count, unwelcome)),
    ]);
  },
};

function apartFrom(count: PeerCount, why: readonly Refusal[]): Sieve {
  const lets = (slot: number): boolean => (count.at(slot) ?? 0) === 0;
  return {
    onlyTightens: true,
    region: regionOf(count.topology),
    farChanges: () => count.farChanges,
    lets,
    sift: siftBy(lets),
    why: (slot) => (lets(slot) ? [] : why),
  };
}
