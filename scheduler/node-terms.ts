import type { Node } from "../proto/gen/tallship/v1/node.js";
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from "../proto/gen/tallship/v1/placement.js";

/** True when any term of the selector matches the node, as in Kubernetes; a term without requirements matches none. */
export function matchesNode(selector: NodeSelector, node: Node): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

function matchesTerm({ matchExpressions, matchFields }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = node.metadata?.labels ?? {};
  const fields: Readonly<Record<string, string>> = { "metadata.name": node.metadata?.name ?? "" };
  return (
    matchExpressions.every((requirement) => holds(requirement, labels)) &&
    matchFields.every((requirement) => holds(requirement, fields))
  );
}

function holds(
  { key, operator, values }: NodeSelectorRequirement,
  attributes: Readonly<Record<string, string>>,
): boolean {
  const value = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
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
      return compare(value, values) > 0;
    case "Lt":
      return compare(value, values) < 0;
    default:
      return false;
  }
}

/** Whole numbers alone are compared; anything else is neither more nor less. */
function compare(value: string | undefined, [bound]: readonly string[]): number {
  const isWhole = [value, bound].every((text) => text !== undefined && /^-?\d+$/.test(text));
  return isWhole ? Number(value) - Number(bound) : Number.NaN;
}
