import { TallshipError } from "../lib/errors.js";
import type { LabelSelector, LabelSelectorRequirement } from "../proto/gen/tallship/v1/meta.js";
import { holdsOfSet } from "./set-operator.js";

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/** True when all parts of the selector hold. An empty selector selects everything, an absent one nothing, as in Kubernetes. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  return matchesLabels(selector.matchLabels, labels) && selector.matchExpressions.every((part) => holds(part, labels));
}

/** True when every wanted label is there with exactly its value. */
export function matchesLabels(wanted: Labels, labels: Labels): boolean {
  for (const key in wanted) if (labels[key] !== wanted[key] || !Object.hasOwn(labels, key)) return false;
  return true;
}

/** True when the selector selects everything: it has no part. */
export function isEmptySelector(selector: LabelSelector): boolean {
  return selector.matchExpressions.length === 0 && Object.keys(selector.matchLabels).length === 0;
}

function holds({ key, operator, values }: LabelSelectorRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  const isHeld = holdsOfSet(operator, value, values);
  if (isHeld === undefined)
    throw new TallshipError("invalid_argument", `match labels: selector on ${key} has operator "${operator}"`);
  return isHeld;
}
