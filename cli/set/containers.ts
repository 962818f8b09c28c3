import { type Json, type JsonObject, toJson } from "../../kinds/encode.js";
import { metaOf, type Typed } from "../../kinds/object.js";
import type { ObjectPatch } from "../../kinds/patch/patch-object.js";
import { TallshipError } from "../../lib/errors.js";
import { strategicPatch } from "../change/change.js";
import { mapsIn, nested, podSpecPathOf, valueAt } from "../change/pod-template.js";
import { objectText } from "../targets.js";

const LISTS = ["containers", "initContainers"] as const;

/** A container of an object's pods, in its JSON form. */
export interface PodContainer {
  readonly name: string;
  readonly list: (typeof LISTS)[number];
  readonly json: JsonObject;
}

/** The containers of an object's pods, those that run side by side first. Throws a usage error for kinds that have none. */
export function containersOf(typed: Typed): readonly PodContainer[] {
  const spec = valueAt(toJson(typed), podSpecPathOf(typed.kind));
  return LISTS.flatMap((list) =>
    mapsIn(valueAt(spec, [list])).map((json) => ({ name: String(json["name"] ?? ""), list, json })),
  );
}

/** Containers whose name a pattern fits; "*" stands for any letters. Throws when it fits none. */
export function containersNamed(typed: Typed, pattern: string): readonly PodContainer[] {
  const form = new RegExp(`^${pattern.split("*").map(escaped).join(".*")}$`);
  const found = containersOf(typed).filter(({ name }) => form.test(name));
  if (found.length > 0) return found;
  const { namespace, name } = metaOf(typed.object);
  const names = containersOf(typed)
    .map((container) => container.name)
    .join(", ");
  throw new TallshipError(
    "not_found",
    `unable to find container named "${pattern}": ${objectText(typed.kind, namespace, name)} has ${names || "none"}`,
  );
}

/** The patch that changes these containers; undefined when there is nothing to change. */
export function containersPatch(
  typed: Typed,
  changes: readonly { readonly container: PodContainer; readonly fields: JsonObject }[],
): ObjectPatch | undefined {
  if (changes.length === 0) return undefined;
  const lists: Record<string, Json[]> = {};
  for (const { container, fields } of changes) {
    lists[container.list] = [...(lists[container.list] ?? []), { name: container.name, ...fields }];
  }
  return strategicPatch(nested(podSpecPathOf(typed.kind), lists));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
