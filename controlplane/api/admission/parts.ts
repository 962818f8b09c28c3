import type { Typed } from "../../../kinds/object.js";
import type { KindName } from "../../../kinds/registry.js";
import { messageSchema } from "../../../kinds/schema.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { type Fields, fieldsOf } from "../merge/fields.js";

/** True when objects of the kind have a status, which has another writer than the rest. */
export function hasStatus(kind: KindName): boolean {
  return messageSchema(kind).byName.has("status");
}

/** True when objects of the kind have a spec, whose changes `metadata.generation` counts. */
export function hasSpec(kind: KindName): boolean {
  return messageSchema(kind).byName.has("spec");
}

/** The object's status; undefined when it has none. */
export function statusOf(typed: Typed): unknown {
  return fieldsOf(typed.object)["status"];
}

/** The object with other parts: metadata, spec, status or a kind's own fields. The parts must be of the same kind. */
export function withParts(typed: Typed, parts: Fields): Typed {
  // The parts come from an object of the same kind, so that the kind's message keeps its type.
  return { kind: typed.kind, object: { ...typed.object, ...parts } } as Typed;
}

/** The object with the status of another one of its kind. */
export function withStatusOf(typed: Typed, other: Typed): Typed {
  return hasStatus(typed.kind) ? withParts(typed, { status: statusOf(other) }) : typed;
}

/** True when two objects of a kind ask for the same: everything beside metadata and status is equal. */
export function sameIntent(left: Typed, right: Typed): boolean {
  const [before, after] = [fieldsOf(left.object), fieldsOf(right.object)];
  return messageSchema(left.kind).fields.every(
    ({ name }) => name === "metadata" || name === "status" || deepEqual(before[name], after[name]),
  );
}
