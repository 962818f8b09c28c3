import type { Node } from "../proto/gen/tallship/v1/node.js";
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from "../proto/gen/tallship/v1/placement.js";

/** True when the node matches one of the terms. As in Kubernetes, a term without requirements matches nothing. */
export function matchesNodeSelector({ nodeSelectorTerms }: NodeSelector, node: Node): boolean {
  return nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

function matchesTerm({ matchExpressions, matchFields }: NodeSelectorTerm, { metadata }: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = metadata?.labels ?? {};
  const fields: Readonly<Record<string, string>> = { "metadata.name": metadata?.name ?? "" };
  return (
    matchExpressions.every((each) => holds(each, valueIn(labels, each.key))) &&
    matchFields.every((each) => holds(each, valueIn(fields, each.key)))
  );
}

function valueIn(values: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

function holds({ operator, values }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
