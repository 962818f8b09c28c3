import type { TreeNode } from "../../../kinds/yaml/tree.js";
import type { Place } from "../load/node.js";

/** A piece of a Kubernetes object as its JSON form has it; what is undefined is left out. */
export type Part = string | number | boolean | undefined | Placed | readonly Part[] | { readonly [key: string]: Part };

/** A piece that comes from one place of a compose file: what is wrong with it is told there. */
export class Placed {
  readonly place: Place;
  readonly part: Part;

  constructor(place: Place, part: Part) {
    this.place = place;
    this.part = part;
  }
}

/** The piece, from this place. */
export function at(place: Place, part: Part): Placed {
  return new Placed(place, part);
}

/** A piece made of a value that may be missing. */
export function from<T>(
  located: { readonly value: T; readonly place: Place } | undefined,
  make: (value: T) => Part,
): Part {
  return located === undefined ? undefined : at(located.place, make(located.value));
}

/** The pieces, or nothing when there is none. */
export function someOf(parts: readonly Part[]): Part {
  return parts.length === 0 ? undefined : parts;
}

/**
 * The piece as the tree that every other manifest is read from. Offsets are places in the list that grows with them, because one object comes
 * from several files.
 */
export function treeOf(part: Placed, places: Place[]): TreeNode {
  const offsetOf = (place: Place): number => places.push(place) - 1;
  const convert = (value: Exclude<Part, undefined>, offset: number): TreeNode => {
    if (value instanceof Placed) return convert(value.part ?? {}, offsetOf(value.place));
    if (typeof value === "string") return { is: "scalar", at: offset, text: value, isPlain: false };
    if (typeof value === "number" || typeof value === "boolean")
      return { is: "scalar", at: offset, text: String(value), isPlain: true };
    if (isList(value))
      return { is: "list", at: offset, items: value.flatMap((one) => (isNothing(one) ? [] : [convert(one, offset)])) };
    const entries = Object.entries(value).flatMap(([key, one]) => {
      if (isNothing(one)) return [];
      const node = convert(one, offset);
      return [{ key, at: node.at, value: node }];
    });
    return { is: "map", at: offset, entries };
  };
  return convert(part, 0);
}

function isNothing(part: Part): part is undefined {
  return part === undefined || (part instanceof Placed && isNothing(part.part));
}

function isList(part: object): part is readonly Part[] {
  return Array.isArray(part);
}
