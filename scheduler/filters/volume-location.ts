import { matchesNodeSelector } from "../../kinds/node-selector.js";
import { type Filter, type Refusal, siftBy } from "../filter.js";
import type { NodeRecord } from "../node-record.js";
import type { VolumeDemand } from "../volume-demand.js";

/** Refuses nodes that cannot mount a volume of the pod, and all of them while a claim of the pod cannot be used. */
export const volumeLocation: Filter = {
  name: "volume-location",
  isStatic: true,
  prepare: ({ volumes }, snapshot) => {
    if (volumes === undefined) return undefined;
    const why = (slot: number): readonly Refusal[] => refusals(volumes, snapshot.records[slot]);
    const lets = (slot: number): boolean => why(slot).length === 0;
    return {
      lets,
      sift: siftBy(lets),
      why,
    };
  },
};

/** Claims take their volumes one after the other, as they do when the pod is bound: two cannot have one. */
function refusals({ blocked, places }: VolumeDemand, record: NodeRecord | undefined): readonly Refusal[] {
  if (blocked !== "") return [{ reason: blocked }];
  const node = record?.node;
  const taken = new Set<string>();
  for (const { claim, anyOf } of places) {
    const near = anyOf.filter(({ on }) => node !== undefined && (on === undefined || matchesNodeSelector(on, node)));
    if (near.length === 0) return [{ reason: `cannot mount the volume of claim ${claim}` }];
    const free = near.find(({ volume }) => !taken.has(volume));
    if (free === undefined) return [{ reason: `no volume is left for claim ${claim}` }];
    if (free.volume !== "") taken.add(free.volume);
  }
  return [];
}
