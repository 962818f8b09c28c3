import { TallshipError } from "../../lib/errors.js";

/** A JSON object whose fields have not been looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses bytes that must be one JSON object; `what` names them in the error, image_refused. */
export function parseJsonObject(bytes: Uint8Array, what: string): JsonObject {
  const found = asObject(parseJson(bytes, what));
  if (found === undefined) throw new TallshipError("image_refused", `${what} is not a JSON object`);
  return found;
}

/** Parses bytes that must be JSON; `what` names them in the error, image_refused. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 120) : "";
    throw new TallshipError("image_refused", `${what} is not JSON: ${why}`, { cause: error });
  }
}

/** The value as an object; undefined when it is none. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/** The value as text; undefined when it is none. */
export function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The value as a list; empty when it is none. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The texts of a list; empty when it is none. */
export function asTexts(value: unknown): readonly string[] {
  return asList(value).flatMap((each) => (typeof each === "string" ? [each] : []));
}

/** The texts of an object by key. */
export function asTextMap(value: unknown): Readonly<Record<string, string>> {
  const pairs = Object.entries(asObject(value) ?? {}).flatMap(([key, each]) =>
    typeof each === "string" ? [[key, each] as const] : [],
  );
  return Object.fromEntries(pairs);
}
