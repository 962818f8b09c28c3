import { type FieldSchema, type MessageSchema, messageSchema } from "../../../kinds/schema.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { blankOf, elementsById, type Fields, fieldsOf, isBlank, mergeFormOf, presentIn } from "./fields.js";

/**
 * The merge of apply. It replaces two designs: Kubernetes' client-side apply, which cannot tell another writer's field from one that the
 * user dropped, and its server-side apply, which stores a second copy of the field tree per writer. Here a manager's last applied document
 * is the only bookkeeping: what it held and the new one lacks was dropped; what another manager's holds is that manager's.
 * A dropped field that someone has edited since is theirs and stays.
 */
export interface MergeSides {
  /** The object as it stands. */
  readonly live: Fields;
  /** What this manager applied last; undefined when it never did. */
  readonly base: Fields | undefined;
  /** What this manager applies now. */
  readonly mine: Fields;
  /** What the other managers applied last. */
  readonly others: readonly Fields[];
}

/** What a merge came to: the object (the very `live` when nothing changes) and the fields that another manager holds with another value. */
export interface Merged {
  readonly object: Fields;
  /** Paths such as spec.containers[web].image. */
  readonly conflicts: readonly string[];
}

/** Merges what a manager applies into an object. Pure; merging the result again with base = mine changes nothing. */
export function mergeThreeWay(schema: MessageSchema, sides: MergeSides): Merged {
  const conflicts: string[] = [];
  const object = mergeMessage(schema, sides, { path: "", conflicts });
  return { object, conflicts };
}

/** The sides of one value: undefined where it is absent. */
interface Sides {
  readonly live: unknown;
  readonly base: unknown;
  readonly mine: unknown;
  readonly others: readonly unknown[];
}

interface Place {
  readonly path: string;
  readonly conflicts: string[];
}

function mergeMessage(schema: MessageSchema, sides: MergeSides, place: Place): Fields {
  const { live, base, mine, others } = sides;
  let changed: Record<string, unknown> | undefined;
  for (const field of schema.fields) {
    const value = {
      live: presentIn(field, live),
      base: presentIn(field, base),
      mine: presentIn(field, mine),
      others: others.map((other) => presentIn(field, other)).filter((other) => other !== undefined),
    };
    if (value.mine === undefined && value.base === undefined) continue;
    const path = place.path === "" ? field.name : `${place.path}.${field.name}`;
    const merged = mergeField(field, value, { path, conflicts: place.conflicts });
    if (merged === value.live) continue;
    changed ??= { ...live };
    changed[field.name] = merged ?? blankOf(field, schema);
  }
  return changed ?? live;
}

function mergeField(field: FieldSchema, sides: Sides, place: Place): unknown {
  switch (mergeFormOf(field)) {
    case "whole":
      return mergeWhole(sides, place);
    case "message":
      return mergeNested(field, sides, place);
    case "map":
      return mergeMap(sides, place);
    case "set":
      return mergeSet(sides);
    case "keyed":
      return mergeKeyed(field, sides, place);
  }
}

function mergeWhole({ live, base, mine, others }: Sides, place: Place): unknown {
  if (mine !== undefined) {
    if (deepEqual(live, mine)) return live;
    if (others.some((other) => !deepEqual(other, mine))) place.conflicts.push(place.path);
    return mine;
  }
  const isDropped = base !== undefined && others.length === 0 && deepEqual(live, base);
  return isDropped ? undefined : live;
}

function mergeNested(field: FieldSchema, sides: Sides, place: Place): unknown {
  if (sides.live === undefined) return sides.mine;
  const schema = messageSchema(field.messageName);
  const merged = mergeMessage(
    schema,
    {
      live: fieldsOf(sides.live),
      base: sides.base === undefined ? undefined : fieldsOf(sides.base),
      mine: fieldsOf(sides.mine),
      others: sides.others.map(fieldsOf),
    },
    place,
  );
  const isDropped = sides.mine === undefined && sides.others.length === 0 && isBlank(schema, merged);
  return isDropped ? undefined : merged;
}

function mergeMap(sides: Sides, place: Place): unknown {
  const live = new Map(Object.entries(fieldsOf(sides.live)));
  const base = new Map(Object.entries(fieldsOf(sides.base)));
  const mine = new Map(Object.entries(fieldsOf(sides.mine)));
  const others = sides.others.map((other) => new Map(Object.entries(fieldsOf(other))));
  const merged = new Map(live);
  for (const key of new Set([...base.keys(), ...mine.keys()])) {
    const claims = others.filter((other) => other.has(key)).map((other) => other.get(key));
    const value = mergeWhole(
      { live: live.get(key), base: base.get(key), mine: mine.get(key), others: claims },
      { path: `${place.path}.${key}`, conflicts: place.conflicts },
    );
    if (value === undefined) merged.delete(key);
    else merged.set(key, value);
  }
  const isSame = merged.size === live.size && [...merged].every(([key, value]) => live.get(key) === value);
  if (isSame) return sides.live;
  return merged.size === 0 ? undefined : Object.fromEntries(merged);
}

function mergeSet({ live, base, mine, others }: Sides): unknown {
  const words = (side: unknown): readonly unknown[] => (Array.isArray(side) ? side : []);
  const kept = new Set([...words(mine), ...others.flatMap(words)]);
  const dropped = new Set(words(base).filter((word) => !kept.has(word)));
  const merged = [...new Set([...words(live), ...words(mine)])].filter((word) => !dropped.has(word));
  if (deepEqual(merged, words(live))) return live;
  return merged.length === 0 ? undefined : merged;
}

function mergeKeyed(field: FieldSchema, sides: Sides, place: Place): unknown {
  const live = elementsById(field, sides.live);
  const base = elementsById(field, sides.base);
  const mine = elementsById(field, sides.mine);
  const others = sides.others.map((other) => elementsById(field, other));
  if (live === undefined || base === undefined || mine === undefined || others.includes(undefined))
    return mergeWhole(sides, place);
  const merged = new Map<string, unknown>();
  for (const id of inOrder([...live.keys()], [...mine.keys()])) {
    const claims = others.map((other) => other?.get(id)).filter((claim) => claim !== undefined);
    const isDropped = base.has(id) && !mine.has(id) && claims.length === 0;
    if (isDropped) continue;
    const element = { live: live.get(id), base: base.get(id), mine: mine.get(id), others: claims };
    merged.set(id, mergeNested(field, element, { path: `${place.path}[${id}]`, conflicts: place.conflicts }));
  }
  const before = [...live.values()];
  const after = [...merged.values()];
  if (before.length === after.length && before.every((element, at) => element === after[at])) return sides.live;
  return after.length === 0 ? undefined : after;
}

/**
 * The order of a merged list: as it stands, but those of `mine` in mine's order among themselves, and new ones right after the one that
 * precedes them there. So an element that someone else put in stays in place, and a merge without news moves nothing.
 */
function inOrder(live: readonly string[], mine: readonly string[]): readonly string[] {
  const standing = new Set(live);
  const wanted = new Set(mine);
  const slots = mine.filter((id) => standing.has(id)).values();
  const order = live.map((id) => (wanted.has(id) ? (slots.next().value ?? id) : id));
  mine.forEach((id, at) => {
    if (standing.has(id)) return;
    const before = mine[at - 1];
    order.splice(before === undefined ? 0 : order.indexOf(before) + 1, 0, id);
  });
  return order;
}
