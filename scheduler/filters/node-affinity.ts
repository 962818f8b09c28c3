import { matchesNodeSelector } from "../../kinds/node-selector.js";
import type { Filter, Refusal } from "../filter.js";

/** Refuses nodes that match none of the terms that the pod's node affinity demands. */
export const nodeAffinity: Filter = {
  name: "node-affinity",
  prepare: (shape, snapshot) => {
    const demanded = shape.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (demanded === undefined) return undefined;
    const matches = (slot: number): boolean => {
      const node = snapshot.records[slot]?.node;
      return node !== undefined && matchesNodeSelector(demanded, node);
    };
    return {
      staticKey: `node-affinity ${JSON.stringify(demanded)}`,
      sift: (fits, from, to) => {
        for (let slot = from; slot < to; slot += 1) if (fits[slot] === 1 && !matches(slot)) fits[slot] = 0;
      },
      why: (slot): readonly Refusal[] => (matches(slot) ? [] : [{ reason: "outside the pod's node affinity" }]),
    };
  },
};
