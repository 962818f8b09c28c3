import type { Json } from "../../kinds/encode.js";
import { TallshipError } from "../../lib/errors.js";
import type { Filter, Operand, Part, Sign, Step } from "./template.js";

/** What the template says of a value. Values of one path stand side by side; a field that is missing says nothing. */
export function renderTemplate(parts: readonly Part[], value: Json): string {
  return parts.map((part) => renderPart(part, value)).join("");
}

function renderPart(part: Part, value: Json): string {
  switch (part.is) {
    case "text":
      return part.text;
    case "path":
      return follow(part.path, value).map(valueText).join(" ");
    case "range":
      return follow(part.path, value)
        .map((each) => renderTemplate(part.body, each))
        .join("");
  }
}

/** The values that a path leads to, in order. Throws when an index is beyond its list. */
export function follow(path: readonly Step[], value: Json): readonly Json[] {
  let values: readonly Json[] = [value];
  for (const step of path) values = takeAll(step, values);
  return values;
}

/** A value as a template shows it: texts and numbers as they are, maps and lists as JSON. */
export function valueText(value: Json): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

/** A union gives its first part of all values, then its second: kubectl's order. */
function takeAll(step: Step, values: readonly Json[]): readonly Json[] {
  if (step.is === "union") return step.parts.flatMap((part) => takeAll(part, values));
  return values.flatMap((value) => take(step, value));
}

function take(step: Exclude<Step, { is: "union" }>, value: Json): readonly Json[] {
  switch (step.is) {
    case "field":
      return fieldOf(value, step.name);
    case "key": {
      const exact = fieldOf(value, step.name);
      return exact.length > 0 ? exact : follow(step.path, value);
    }
    case "wildcard":
      return childrenOf(value);
    case "recursive":
      return descend(value);
    case "index":
      return isList(value) ? [elementAt(value, step.at)] : [];
    case "slice":
      return isList(value) ? sliceOf(value, step) : [];
    case "filter":
      return childrenOf(value).filter((each) => holds(step.test, each));
  }
}

function fieldOf(value: Json, name: string): readonly Json[] {
  return isMap(value) && Object.hasOwn(value, name) ? [value[name] ?? null] : [];
}

/** The value and everything in it, parents first. */
function descend(value: Json): readonly Json[] {
  return [value, ...childrenOf(value).flatMap(descend)];
}

function childrenOf(value: Json): readonly Json[] {
  if (isList(value)) return value;
  return isMap(value) ? Object.values(value) : [];
}

function elementAt(list: readonly Json[], at: number): Json {
  const found = list.at(at);
  if (found !== undefined) return found;
  throw new TallshipError(
    "invalid_argument",
    `jsonpath: array index out of bounds: index ${at}, length ${list.length}`,
  );
}

/** As in Python: negative places count from the end, a negative step goes backwards, what is beyond the end is not there. */
function sliceOf(
  list: readonly Json[],
  {
    from,
    to,
    step = 1,
  }: { readonly from: number | undefined; readonly to: number | undefined; readonly step: number | undefined },
): readonly Json[] {
  if (step === 0) throw new TallshipError("invalid_argument", "jsonpath: the step of a slice is not 0");
  const { length } = list;
  const place = (at: number): number => Math.min(Math.max(at < 0 ? at + length : at, step < 0 ? -1 : 0), length);
  const start = from === undefined ? (step < 0 ? length - 1 : 0) : place(from);
  const end = to === undefined ? (step < 0 ? -1 : length) : place(to);
  const found: Json[] = [];
  for (let at = start; step < 0 ? at > end : at < end; at += step) {
    const element = list[at];
    if (element !== undefined) found.push(element);
  }
  return found;
}

function holds(test: Filter, value: Json): boolean {
  if (test.is === "exists") return follow(test.path, value).length > 0;
  const [left, right] = [sideOf(test.left, value), sideOf(test.right, value)];
  if (left === undefined || right === undefined) return test.sign === "!=" && left !== right;
  return compares(test.sign, left, right);
}

function sideOf(operand: Operand, value: Json): Json | undefined {
  return operand.is === "literal" ? operand.value : follow(operand.path, value)[0];
}

function compares(sign: Sign, left: Json, right: Json): boolean {
  const order = orderOf(left, right);
  switch (sign) {
    case "==":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order !== undefined && order < 0;
    case "<=":
      return order !== undefined && order <= 0;
    case ">":
      return order !== undefined && order > 0;
    case ">=":
      return order !== undefined && order >= 0;
  }
}

/** Below, at or above zero as left is below, equal to or above right; undefined for what cannot be compared. */
function orderOf(left: Json, right: Json): number | undefined {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
  return JSON.stringify(left) === JSON.stringify(right) ? 0 : undefined;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isMap(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
