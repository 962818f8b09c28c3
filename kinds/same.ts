/** True when two messages, lists or plain values hold the same. Order counts in lists, not in maps. */
export function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    return left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0;
  }
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((element, at) => sameValue(element, right[at]));
  }
  return sameEntries(Object.entries(left), new Map(Object.entries(right)));
}

/** Absent and undefined are the same. */
function sameEntries(left: readonly [string, unknown][], right: Map<string, unknown>): boolean {
  for (const [key, value] of left) {
    if (!sameValue(value, right.get(key))) return false;
    right.delete(key);
  }
  return [...right.values()].every((value) => value === undefined);
}
