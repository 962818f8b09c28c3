import { type Json, type JsonObject, toJson } from "../../kinds/encode.js";
import type { Typed } from "../../kinds/object.js";
import { printYaml } from "../../kinds/yaml/print.js";

/** Fields of metadata that the server writes: they differ without anybody's doing. */
const SERVER_FIELDS: ReadonlySet<string> = new Set(["uid", "resourceVersion", "generation", "creationTimestamp"]);

/** Two versions of an object as texts to compare: what users write, and of Secrets only whether values differ. */
export function comparedTexts(
  live: Typed | undefined,
  merged: Typed | undefined,
): { readonly before: string; readonly after: string } {
  const [before, after] = [fieldsOf(live), fieldsOf(merged)];
  return {
    before: live === undefined ? "" : textOf(live, before, { other: after, word: "before" }),
    after: merged === undefined ? "" : textOf(merged, after, { other: before, word: "after" }),
  };
}

function fieldsOf(typed: Typed | undefined): JsonObject {
  if (typed === undefined) return {};
  const { status: _, metadata, ...rest } = toJson(typed);
  const own = Object.entries(Object(metadata)).filter(([name]) => !SERVER_FIELDS.has(name));
  // The entries are those of a JSON object.
  return { ...rest, metadata: Object.fromEntries(own) as JsonObject };
}

function textOf(
  { kind }: Typed,
  fields: JsonObject,
  masking: { readonly other: JsonObject; readonly word: string },
): string {
  if (kind !== "Secret") return printYaml(inOrder(fields));
  const masked = Object.entries(fields).map(([name, value]): readonly [string, Json] => {
    return name === "data" ? [name, maskedValues(value, masking)] : [name, value];
  });
  return printYaml(inOrder(Object.fromEntries(masked)));
}

function maskedValues(data: Json, { other, word }: { readonly other: JsonObject; readonly word: string }): Json {
  const others = new Map<string, unknown>(Object.entries(Object(other["data"])));
  const entries = Object.entries(Object(data)).map(([key, value]): readonly [string, Json] => {
    const isKept = !others.has(key) || others.get(key) === value;
    return [key, isKept ? "***" : `*** (${word})`];
  });
  return Object.fromEntries(entries);
}

/** What names the object first. */
function inOrder({ apiVersion = null, kind = null, metadata = null, ...rest }: JsonObject): JsonObject {
  return { apiVersion, kind, metadata, ...rest };
}
