/**
 * True when two plain values are equal in depth: messages, maps, lists, bytes and scalars. A field that is undefined equals one that is
 * not there. Order counts in lists, not in maps. Values that are the same reference cost nothing.
 */
export function deepEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (!isObject(left) || !isObject(right)) return Number.isNaN(left) && Number.isNaN(right);
  if (Array.isArray(left) || Array.isArray(right))
    return Array.isArray(left) && Array.isArray(right) && equalLists(left, right);
  if (left instanceof Uint8Array || right instanceof Uint8Array)
    return left instanceof Uint8Array && right instanceof Uint8Array && equalBytes(left, right);
  return equalFields(left, right);
}

/** True when two byte strings are equal. Not for secrets: the time tells where they differ. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0;
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function equalLists(left: readonly unknown[], right: readonly unknown[]): boolean {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at += 1) if (!deepEqual(left[at], right[at])) return false;
  return true;
}

// It is asked of every pod that comes: walking names makes no lists of them. Plain values inherit nothing that is listed, and what
// they inherit unlisted equals no plain value.
function equalFields(left: Fields, right: Fields): boolean {
  let unmatched = 0;
  for (const name in left) {
    const value = left[name];
    if (value === undefined) continue;
    const other = right[name];
    if (value !== other && !deepEqual(value, other)) return false;
    unmatched += 1;
  }
  for (const name in right) if (right[name] !== undefined) unmatched -= 1;
  return unmatched === 0;
}
