import { type FieldSchema, type MessageSchema, messageSchema } from "../../../kinds/schema.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { blankOf, elementsById, type Fields, fieldsOf, mergeFormOf, presentIn } from "./fields.js";

/**
 * What another manager's document still claims once `mine` was applied by force: everything but the values that `mine` sets differently.
 * Returns the very `other` when nothing is taken. Keyed elements stay, with what is left of them.
 */
export function relinquish(schema: MessageSchema, other: Fields, mine: Fields): Fields {
  let changed: Record<string, unknown> | undefined;
  for (const field of schema.fields) {
    const theirs = presentIn(field, other);
    const taken = presentIn(field, mine);
    if (theirs === undefined || taken === undefined) continue;
    const left = relinquishField(field, theirs, taken);
    if (left === theirs) continue;
    changed ??= { ...other };
    changed[field.name] = left ?? blankOf(field, schema);
  }
  return changed ?? other;
}

function relinquishField(field: FieldSchema, theirs: unknown, mine: unknown): unknown {
  switch (mergeFormOf(field)) {
    case "set":
      return theirs;
    case "whole":
      return deepEqual(theirs, mine) ? theirs : undefined;
    case "message":
      return relinquish(messageSchema(field.messageName), fieldsOf(theirs), fieldsOf(mine));
    case "map": {
      const taken = new Map(Object.entries(fieldsOf(mine)));
      const entries = Object.entries(fieldsOf(theirs));
      const left = entries.filter(([key, value]) => !taken.has(key) || deepEqual(taken.get(key), value));
      return left.length === entries.length ? theirs : Object.fromEntries(left);
    }
    case "keyed":
      return relinquishElements(field, theirs, mine);
  }
}

function relinquishElements(field: FieldSchema, theirs: unknown, mine: unknown): unknown {
  const elements = elementsById(field, theirs);
  const taken = elementsById(field, mine);
  if (elements === undefined || taken === undefined) return deepEqual(theirs, mine) ? theirs : undefined;
  const schema = messageSchema(field.messageName);
  const left = [...elements].map(([id, element]) => {
    const by = taken.get(id);
    return by === undefined ? element : relinquish(schema, element, by);
  });
  return left.every((element, at) => element === [...elements.values()][at]) ? theirs : left;
}
