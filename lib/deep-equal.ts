/**
 * True when two plain values are equal in depth: messages, maps, lists, bytes and scalars. A field that is undefined equals one that is
 * not there. Order counts in lists, not in maps. Values that are the same reference cost nothing.
 */
export function deepEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null)
    return Number.isNaN(left) && Number.isNaN(right);
  if (left instanceof Uint8Array || right instanceof Uint8Array)
    return left instanceof Uint8Array && right instanceof Uint8Array && equalBytes(left, right);
  if (Array.isArray(left) || Array.isArray(right))
    return Array.isArray(left) && Array.isArray(right) && equalLists(left, right);
  return equalFields(left, right);
}

/** True when two byte strings are equal. Not for secrets: the time tells where they differ. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0;
}

function equalLists(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((element, at) => deepEqual(element, right[at]));
}

function equalFields(left: object, right: object): boolean {
  let unmatched = 0;
  for (const name of Object.keys(left)) {
    const value: unknown = Reflect.get(left, name);
    if (value === undefined) continue;
    if (!Object.hasOwn(right, name) || !deepEqual(value, Reflect.get(right, name))) return false;
    unmatched += 1;
  }
  for (const name of Object.keys(right)) if (Reflect.get(right, name) !== undefined) unmatched -= 1;
  return unmatched === 0;
}
