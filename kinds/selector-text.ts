import { TallshipError } from "../lib/errors.js";
import type { LabelSelector, LabelSelectorRequirement } from "../proto/gen/tallship/v1/meta.js";

/**
 * Reads a label selector as kubectl takes it: `app=web,tier!=db,zone in (a,b),zone notin (c),canary,!legacy`. The empty
 * text selects everything. Throws invalid_argument that shows where it stops making sense.
 */
export function parseLabelSelector(text: string): LabelSelector {
  const matchExpressions = splitTopLevel(text).map((part) => parseRequirement(part, text));
  return { matchLabels: {}, matchExpressions };
}

/** The selector as kubectl shows it, such as `app=web,tier in (a,b)`; `<none>` when it selects everything. */
export function selectorText(selector: LabelSelector | undefined): string {
  if (selector === undefined) return "<none>";
  const parts = [
    ...Object.entries(selector.matchLabels).map(([key, value]) => `${key}=${value}`),
    ...selector.matchExpressions.map(requirementText),
  ];
  return parts.length === 0 ? "<none>" : parts.sort().join(",");
}

/** Labels as a selector's text, for a server to select by. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}

/** The selector in the text form that parseLabelSelector reads. */
export function selectorQuery(selector: LabelSelector): string {
  const text = selectorText(selector);
  return text === "<none>" ? "" : text;
}

const KEY = `[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?`;
const SET = new RegExp(String.raw`^(${KEY})\s+(in|notin)\s*\(([^()]*)\)$`);
const EQUAL = new RegExp(String.raw`^(${KEY})\s*(==|=|!=)\s*([-A-Za-z0-9_.]*)$`);
const EXISTS = new RegExp(String.raw`^(!?)\s*(${KEY})$`);

function parseRequirement(part: string, whole: string): LabelSelectorRequirement {
  const set = SET.exec(part);
  if (set !== null) {
    const [, key = "", word = "", list = ""] = set;
    return { key, operator: word === "in" ? "In" : "NotIn", values: list.split(",").map((value) => value.trim()) };
  }
  const equal = EQUAL.exec(part);
  if (equal !== null) {
    const [, key = "", sign = "", value = ""] = equal;
    return { key, operator: sign === "!=" ? "NotIn" : "In", values: [value] };
  }
  const exists = EXISTS.exec(part);
  if (exists !== null) {
    const [, not = "", key = ""] = exists;
    return { key, operator: not === "!" ? "DoesNotExist" : "Exists", values: [] };
  }
  const forms = "key=value, key!=value, key in (a,b), key notin (a,b), key or !key";
  throw new TallshipError("invalid_argument", `label selector "${whole}": "${part}" is none of ${forms}`);
}

/** Splits at commas outside parentheses. */
function splitTopLevel(text: string): readonly string[] {
  if (text.trim() === "") return [];
  return text.split(/,(?![^(]*\))/).map((part) => part.trim());
}

function requirementText({ key, operator, values }: LabelSelectorRequirement): string {
  switch (operator) {
    case "In":
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(",")})`;
    case "NotIn":
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    default:
      return `!${key}`;
  }
}
