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
  const rightFields = new Map(Object.entries(right).filter(([, value]) => value !== undefined));
  let shared = 0;
  for (const [name, value] of Object.entries(left)) {
    if (value === undefined) continue;
    if (!rightFields.has(name) || !deepEqual(value, rightFields.get(name))) return false;
    shared += 1;
  }
  return shared === rightFields.size;
}
