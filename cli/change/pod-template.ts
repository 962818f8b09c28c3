import type { Json, JsonObject } from "../../kinds/encode.js";
import { KINDS, type KindName } from "../../kinds/registry.js";
import { messageSchema } from "../../kinds/schema.js";
import { usageError } from "../verb.js";

/** Where a kind keeps a pod's spec, such as spec.template.spec; undefined when it has none. Found in the schema. */
export function podSpecPath(kind: KindName): readonly string[] | undefined {
  return pathTo("PodSpec", kind, ["spec", "template", "jobTemplate"]);
}

/** Where a kind keeps the template of its pods; undefined for a pod itself and for kinds without one. */
export function podTemplatePath(kind: KindName): readonly string[] | undefined {
  return pathTo("PodTemplateSpec", kind, ["spec", "template", "jobTemplate"]);
}

/** As podSpecPath; throws a usage error that says what the kind lacks. */
export function podSpecPathOf(kind: KindName): readonly string[] {
  const path = podSpecPath(kind);
  if (path === undefined) throw usageError(`${KINDS[kind].plural} have no containers`);
  return path;
}

/** What stands at a path; undefined when something on the way is missing. */
export function valueAt(json: Json | undefined, path: readonly string[]): Json | undefined {
  let value = json;
  for (const name of path) value = mapOf(value)[name];
  return value;
}

/** A patch that has a value at a path. */
export function nested(path: readonly string[], value: Json): JsonObject {
  const [first = "", ...rest] = path;
  return { [first]: rest.length === 0 ? value : nested(rest, value) };
}

/** The maps in a list of maps. */
export function mapsIn(json: Json | undefined): readonly JsonObject[] {
  return Array.isArray(json) ? json.map(mapOf) : [];
}

function mapOf(json: Json | undefined): JsonObject {
  return typeof json === "object" && json !== null && !isList(json) ? json : {};
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

/** Follows the fields named, as deep as they go. */
function pathTo(wanted: string, messageName: string, fields: readonly string[]): readonly string[] | undefined {
  for (const name of fields) {
    const field = messageSchema(messageName).byName.get(name);
    if (field === undefined || field.type !== "message" || field.shape !== "one") continue;
    if (field.messageName === wanted) return [name];
    const deeper = pathTo(wanted, field.messageName, fields);
    if (deeper !== undefined) return [name, ...deeper];
  }
  return undefined;
}
