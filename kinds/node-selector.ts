import type { Node } from "../proto/gen/tallship/v1/node.js";
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from "../proto/gen/tallship/v1/placement.js";
import { holdsOfSet } from "./set-operator.js";

/** True when the node matches one of the terms, as in Kubernetes. */
export function matchesNodeSelector({ nodeSelectorTerms }: NodeSelector, node: Node): boolean {
  return nodeSelectorTerms.some((term) => matchesNodeTerm(term, node));
}

/** True when all requirements of the term hold for the node; a term without any matches nothing. */
export function matchesNodeTerm({ matchExpressions, matchFields }: NodeSelectorTerm, { metadata }: Node): boolean {
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
    case "Gt":
      return compare(value, values) > 0;
    case "Lt":
      return compare(value, values) < 0;
    default:
      return holdsOfSet(operator, value, values) ?? false;
  }
}

/** Whole numbers alone are compared; anything else is neither more nor less. */
function compare(value: string | undefined, [bound]: readonly string[]): number {
  const isWhole = [value, bound].every((text) => text !== undefined && /^-?\d+$/.test(text));
  return isWhole ? Number(value) - Number(bound) : Number.NaN;
}
