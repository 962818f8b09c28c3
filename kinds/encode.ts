import type { Typed } from "./object.js";
import { apiVersionOf } from "./registry.js";
import { type FieldSchema, messageSchema } from "./schema.js";

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/**
 * The object in Kubernetes' JSON form: apiVersion and kind, then the fields in the order of the schema; what is absent or
 * zero is left out, bytes are base64. What a server keeps for itself (metadata.applied) never shows.
 */
export function toJson(typed: Typed): JsonObject {
  return { apiVersion: apiVersionOf(typed.kind), kind: typed.kind, ...messageToJson(typed.kind, typed.object) };
}

/** A message in JSON form, by the name of its type. */
export function messageToJson(messageName: string, message: object): JsonObject {
  const json: Record<string, Json> = {};
  for (const field of messageSchema(messageName).fields) {
    if (field.name === "applied") continue;
    // The message has the fields of its schema.
    const value = (message as Readonly<Record<string, unknown>>)[field.name];
    const encoded = encodeField(field, value);
    if (encoded !== undefined) json[field.name] = encoded;
  }
  return json;
}

function encodeField(field: FieldSchema, value: unknown): Json | undefined {
  if (value === undefined || value === null) return undefined;
  if (field.shape === "list") {
    // ts-proto gives repeated fields as arrays.
    const items = value as readonly unknown[];
    return items.length === 0 ? undefined : items.map((item) => encodeElement(field, item));
  }
  if (field.shape === "map") {
    const entries = Object.entries(value);
    return entries.length === 0
      ? undefined
      : Object.fromEntries(entries.map(([key, element]) => [key, encodeElement(field, element)]));
  }
  if (!field.isOptional && !field.rule.isAlwaysWritten && isZero(value)) return undefined;
  return encodeElement(field, value);
}

function encodeElement(field: FieldSchema, value: unknown): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value !== "object" || value === null)
    return typeof value === "boolean" || typeof value === "number" ? value : String(value);
  return field.messageName === "IntOrString" ? intOrString(value) : messageToJson(field.messageName, value);
}

function intOrString(value: object): Json {
  const held = "value" in value && typeof value.value === "object" && value.value !== null ? value.value : {};
  const plain = "value" in held ? held.value : 0;
  return typeof plain === "number" ? plain : String(plain);
}

function isZero(value: unknown): boolean {
  return value === "" || value === false || value === 0 || (value instanceof Uint8Array && value.length === 0);
}
