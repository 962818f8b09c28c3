/** A JSON object whose fields have not been looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

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
