import type { FieldSchema, MessageSchema } from "../../../kinds/schema.js";
import { isWordSet, messageSchema } from "../../../kinds/schema.js";

/** A message as its fields, for code that is driven by the schema. */
export type Fields = Readonly<Record<string, unknown>>;

/** A message's fields. Every generated message is a plain object. */
export function fieldsOf(message: unknown): Fields {
  // Callers pass what the schema says is a message; a plain object has string keys only.
  return (message ?? {}) as Fields;
}

/** The value of a field; undefined when it is absent, which for a plain scalar means zero and for a list or map empty. */
export function presentIn(field: FieldSchema, message: Fields | undefined): unknown {
  const value = message?.[field.name];
  return isAbsent(field, value) ? undefined : value;
}

function isAbsent(field: FieldSchema, value: unknown): boolean {
  if (value === undefined) return true;
  if (field.shape === "list") return Array.isArray(value) && value.length === 0;
  if (field.shape === "map") return Object.keys(fieldsOf(value)).length === 0;
  if (field.type === "message" || field.isOptional) return false;
  return value === "" || value === 0 || value === false || (value instanceof Uint8Array && value.length === 0);
}

/** What stands for a field that is absent. */
export function blankOf(field: FieldSchema, schema: MessageSchema): unknown {
  return schema.blank[field.name];
}

/** True when no field of the message is present. */
export function isBlank(schema: MessageSchema, message: Fields): boolean {
  return schema.fields.every((field) => presentIn(field, message) === undefined);
}

/** Messages that hold one value in several forms: they are taken or left as a whole. */
const WHOLE = new Set(["IntOrString"]);

/** How a field is merged. */
export type MergeForm = "whole" | "message" | "map" | "keyed" | "set";

/** How a field is merged, from the schema alone. */
export function mergeFormOf(field: FieldSchema): MergeForm {
  if (field.shape === "map") return "map";
  if (field.shape === "list") return field.rule.mergeKey !== "" ? "keyed" : isWordSet(field) ? "set" : "whole";
  return field.type === "message" && !WHOLE.has(field.messageName) ? "message" : "whole";
}

/** The elements of a keyed list by identity; undefined when two share one, for then the list is merged as a whole. */
export function elementsById(field: FieldSchema, list: unknown): ReadonlyMap<string, Fields> | undefined {
  const elements = Array.isArray(list) ? list.map(fieldsOf) : [];
  const byId = new Map(elements.map((element) => [identityOf(field, element), element]));
  return byId.size === elements.length ? byId : undefined;
}

/** What identifies an element of a keyed list: its key fields, defaults filled in. */
function identityOf(field: FieldSchema, element: Fields): string {
  const schema = messageSchema(field.messageName);
  return field.rule.mergeKey
    .split(",")
    .map((name) => {
      const key = schema.byName.get(name);
      const value = key === undefined ? undefined : presentIn(key, element);
      return String(value ?? key?.rule.default ?? "");
    })
    .join("/");
}
