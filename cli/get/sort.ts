import { type Json, toJson } from "../../kinds/encode.js";
import type { Typed } from "../../kinds/object.js";
import { parseQuantity } from "../../lib/quantity.js";
import { follow } from "../jsonpath/evaluate.js";
import { parsePath } from "../jsonpath/parse.js";
import { usageError } from "../verb.js";

/** Brings objects into the order of a field, those without it first. Throws a usage error when none of them has it. */
export function sortBy(objects: readonly Typed[], field: string): readonly Typed[] {
  const path = parsePath(field);
  const keyed = objects.map((typed) => ({ typed, key: follow(path, toJson(typed))[0] }));
  if (objects.length > 0 && keyed.every(({ key }) => key === undefined))
    throw usageError(`--sort-by: no object has the field "${field}"`);
  return keyed.sort((left, right) => orderOf(left.key, right.key)).map(({ typed }) => typed);
}

function orderOf(left: Json | undefined, right: Json | undefined): number {
  if (left === undefined || right === undefined) return left === right ? 0 : left === undefined ? -1 : 1;
  const [leftNumber, rightNumber] = [numberOf(left), numberOf(right)];
  if (leftNumber !== undefined && rightNumber !== undefined) return leftNumber - rightNumber;
  return textOf(left).localeCompare(textOf(right), "en", { numeric: true });
}

/** Numbers and quantities are compared by what they amount to. */
function numberOf(value: Json): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" ? parseQuantity(value) : undefined;
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
