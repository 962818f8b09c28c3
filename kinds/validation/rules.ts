import { deepEqual } from "../../lib/deep-equal.js";
import { formatError } from "../formats.js";
import { type FieldSchema, messageSchema } from "../schema.js";
import { type Findings, type Path, shorten } from "./findings.js";

/** Checks a message, and every message in it, against the rules of the schema. */
export function checkRules(messageName: string, message: object, path: Path, findings: Findings): void {
  // The message has the fields of its schema.
  const values = message as Readonly<Record<string, unknown>>;
  for (const field of messageSchema(messageName).fields) {
    const value = values[field.name];
    if (isAbsent(field, value)) {
      if (field.rule.isRequired) findings.add("required", [...path, field.name], "this field is required");
    } else if (field.shape === "one") {
      checkElement(field, value, [...path, field.name], findings);
    } else {
      checkMany(field, value, [...path, field.name], findings);
    }
  }
}

/** Checks that no field that is fixed at creation differs from the object before. */
export function checkImmutable(messageName: string, pair: Pair, path: Path, findings: Findings): void {
  for (const field of messageSchema(messageName).fields) {
    if (field.shape !== "one") continue;
    const here = [...path, field.name];
    const before = pair.before[field.name];
    const after = pair.after[field.name];
    if (field.rule.isImmutable) {
      if (!isAbsent(field, before) && !deepEqual(before, after))
        findings.add("immutable", here, "this field cannot be changed");
    } else if (field.type === "message" && isRecord(before) && isRecord(after)) {
      checkImmutable(field.messageName, { before, after }, here, findings);
    }
  }
}

/** A message before and after a change. */
export interface Pair {
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

function checkMany(field: FieldSchema, value: unknown, path: Path, findings: Findings): void {
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(Object(value));
  const { maxItems, keyFormat } = field.rule;
  if (maxItems > 0 && entries.length > maxItems)
    findings.add("too_many", path, `want at most ${maxItems} elements, found ${entries.length}`);
  for (const [key, element] of entries) {
    const wrongKey = keyFormat !== "" && typeof key === "string" ? formatError(keyFormat, key) : undefined;
    if (wrongKey !== undefined) findings.add("invalid", [...path, key], `malformed key: ${wrongKey}`);
    checkElement(field, element, [...path, key], findings);
  }
}

function checkElement(field: FieldSchema, value: unknown, path: Path, findings: Findings): void {
  if (field.messageName === "IntOrString") checkIntOrString(field, value, path, findings);
  else if (field.type === "message" && isRecord(value)) checkRules(field.messageName, value, path, findings);
  else if (typeof value === "string") checkText(field, value, path, findings);
  else if (typeof value === "number") checkNumber(field, value, path, findings);
}

function checkText(field: FieldSchema, text: string, path: Path, findings: Findings): void {
  const { allowed, format, maxLength } = field.rule;
  if (text === "") return;
  if (allowed !== undefined && !allowed.has(text)) {
    findings.add("invalid", path, `want ${[...allowed].join(", ")}, found ${JSON.stringify(shorten(text))}`);
    return;
  }
  const wrong = format === "" ? undefined : formatError(format, text);
  if (wrong !== undefined) findings.add("invalid", path, `${wrong}, found ${JSON.stringify(shorten(text))}`);
  else if (maxLength > 0 && Buffer.byteLength(text) > maxLength)
    findings.add("invalid", path, `want at most ${maxLength} bytes, found ${Buffer.byteLength(text)}`);
}

function checkNumber(field: FieldSchema, value: number, path: Path, findings: Findings): void {
  const { min, max } = field.rule;
  if (min !== undefined && value < min)
    findings.add(
      "invalid",
      path,
      max === undefined ? `want at least ${min}, found ${value}` : `want ${min} to ${max}, found ${value}`,
    );
  else if (max !== undefined && value > max)
    findings.add(
      "invalid",
      path,
      min === undefined ? `want at most ${max}, found ${value}` : `want ${min} to ${max}, found ${value}`,
    );
}

function checkIntOrString(field: FieldSchema, value: unknown, path: Path, findings: Findings): void {
  const held = isRecord(value) && isRecord(value["value"]) ? value["value"]["value"] : undefined;
  if (typeof held === "string") checkText(field, held, path, findings);
  else if (typeof held === "number" && field.rule.format === "countOrPercent" && held < 0)
    findings.add("invalid", path, `want a count, or a percentage such as 25%, found ${held}`);
}

/** Absent, or zero where zero means absent. */
function isAbsent(field: FieldSchema, value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (value === 0) return !field.isOptional;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && "$case" in value && value["$case"] === undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
