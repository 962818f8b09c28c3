/** Forgets what was used longest ago: a map keeps the order of insertion, and what is used is inserted anew. */
export function dropOldest<K>(map: Map<K, unknown>, most: number): void {
  if (map.size <= most) return;
  for (const key of map.keys()) {
    map.delete(key);
    if (map.size <= most) return;
  }
}
