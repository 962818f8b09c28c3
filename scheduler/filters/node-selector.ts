import { type Filter, type Refusal, siftBy } from "../filter.js";
import type { NodeRecord } from "../node-record.js";
import type { Shape } from "../shape.js";

/** Refuses nodes that lack a label of the pod's nodeSelector, and all but the node that the pod names. */
export const nodeSelector: Filter = {
  name: "node-selector",
  isStatic: true,
  prepare: (shape, snapshot) => {
    const wanted = Object.entries(shape.nodeSelector).sort();
    if (wanted.length === 0 && shape.nodeName === "") return undefined;
    const why = (slot: number): readonly Refusal[] => refusals(shape.nodeName, wanted, snapshot.records[slot]);
    const lets = (slot: number): boolean => why(slot).length === 0;
    return {
      lets,
      sift: siftBy(lets),
      why,
    };
  },
};

function refusals(
  nodeName: Shape["nodeName"],
  wanted: readonly (readonly [string, string])[],
  record: NodeRecord | undefined,
): readonly Refusal[] {
  if (nodeName !== "" && record?.name !== nodeName) return [{ reason: `not node ${nodeName}` }];
  const labels = record?.node?.metadata?.labels ?? {};
  for (const [key, value] of wanted)
    if (!Object.hasOwn(labels, key) || labels[key] !== value) return [{ reason: `without label ${key}=${value}` }];
  return [];
}
