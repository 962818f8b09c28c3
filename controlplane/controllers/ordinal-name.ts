import { fnv, word, wordCount } from "../../lib/stable-hash.js";

/** Longest base of a child's name, so that a pod's name is also a host name. */
const maxBaseLength = 57;

/**
 * The name of an owner's child number `ordinal`: base and five characters. Derived, so that creating a child twice conflicts instead of
 * making two, and different for all ordinals of an owner (14 million; then the characters become six). Looks random, so that nobody
 * reads an order into it, and differs between owners of the same name.
 */
export function ordinalName(base: string, ownerUid: string, ordinal: number): string {
  let length = 5;
  while (ordinal >= wordCount(length)) length += 1;
  const count = wordCount(length);
  // A step that shares no factor with 27^n visits every number once before it comes back.
  const mixed = (fnv(ownerUid) + ordinal * 5_915_587) % count;
  return `${base.slice(0, maxBaseLength).replace(/[-.]+$/, "")}-${word(mixed, length)}`;
}
