import { isNull, type MapEntry, type TreeNode } from "../yaml/tree.js";

/**
 * Applies a JSON merge patch (RFC 7386): maps are merged, null removes, everything else replaces. Keys that stay keep their order; new ones
 * follow. It never fails, and applying it twice equals applying it once.
 */
export function applyMergePatch(target: TreeNode | undefined, patch: TreeNode): TreeNode {
  if (patch.is !== "map") return patch;
  const held = target?.is === "map" ? target.entries : [];
  const merged = new Map<string, MapEntry>(held.map((entry) => [entry.key, entry]));
  for (const entry of patch.entries) {
    if (isNull(entry.value)) merged.delete(entry.key);
    else merged.set(entry.key, { ...entry, value: applyMergePatch(merged.get(entry.key)?.value, entry.value) });
  }
  return { is: "map", at: target?.is === "map" ? target.at : patch.at, entries: [...merged.values()] };
}
