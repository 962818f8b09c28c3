import { matchesNodeSelector } from "../../kinds/node-selector.js";
import { type Filter, type Refusal, siftBy } from "../filter.js";

/** Refuses nodes that match none of the terms that the pod's node affinity demands. */
export const nodeAffinity: Filter = {
  name: "node-affinity",
  isStatic: true,
  prepare: (shape, snapshot) => {
    const demanded = shape.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (demanded === undefined) return undefined;
    const matches = (slot: number): boolean => {
      const node = snapshot.records[slot]?.node;
      return node !== undefined && matchesNodeSelector(demanded, node);
    };
    return {
      lets: matches,
      sift: siftBy(matches),
      why: (slot): readonly Refusal[] => (matches(slot) ? [] : [{ reason: "outside the pod's node affinity" }]),
    };
  },
};
