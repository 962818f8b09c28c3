import { matchesNodeSelector } from "../../kinds/node-selector.js";
import type { Filter, Refusal } from "../filter.js";
import type { NodeRecord } from "../node-record.js";
import type { VolumeDemand } from "../volume-demand.js";

/** Refuses nodes that cannot mount a volume of the pod, and all of them while a claim of the pod cannot be used. */
export const volumeLocation: Filter = {
  name: "volume-location",
  prepare: ({ volumes }, snapshot) => {
    if (volumes === undefined) return undefined;
    const why = (slot: number): readonly Refusal[] => refusals(volumes, snapshot.records[slot]);
    return {
      staticKey: `volume-location ${volumes.key}`,
      sift: (fits, from, to) => {
        for (let slot = from; slot < to; slot += 1) if (why(slot).length > 0) fits[slot] = 0;
      },
      why,
    };
  },
};

function refusals({ blocked, places }: VolumeDemand, record: NodeRecord | undefined): readonly Refusal[] {
  if (blocked !== "") return [{ reason: blocked }];
  const node = record?.node;
  const far = places.find(({ anyOf }) => node === undefined || !anyOf.some((one) => matchesNodeSelector(one, node)));
  return far === undefined ? [] : [{ reason: `cannot mount the volume of claim ${far.claim}` }];
}
