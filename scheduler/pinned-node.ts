import type { NodeSelector } from "../proto/gen/tallship/v1/placement.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";

const NAME_FIELD = "metadata.name";

/** The one node that a pod can run on: the node it names, or the node that its affinity demands by name. Empty when it may choose. */
export function pinnedNode({ spec }: Pod): string {
  if (spec === undefined) return "";
  if (spec.nodeName !== "") return spec.nodeName;
  const [term, ...others] =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (term === undefined || others.length > 0 || term.matchExpressions.length > 0) return "";
  const [field, ...fields] = term.matchFields;
  if (field?.key !== NAME_FIELD || field.operator !== "In" || fields.length > 0 || field.values.length !== 1) return "";
  return field.values[0] ?? "";
}

/** The demand for one node by its name. */
export function nodeNamed(name: string): NodeSelector {
  const field = { key: NAME_FIELD, operator: "In", values: [name] };
  return { nodeSelectorTerms: [{ matchExpressions: [], matchFields: [field] }] };
}
