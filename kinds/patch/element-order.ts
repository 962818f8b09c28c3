import type { ListNode, TreeNode } from "../yaml/tree.js";
import { type MergeKey, matchOf } from "./merge-key.js";

/**
 * The list in the order that `$setElementOrder` asks for. Elements that the order does not name, because others put them in, keep their
 * place beside those that stood next to them before.
 */
export function inElementOrder(
  list: ListNode,
  before: ListNode | undefined,
  { wanted, key }: { readonly wanted: ListNode; readonly key: MergeKey | undefined },
): ListNode {
  const find = (element: TreeNode, among: readonly TreeNode[]): number =>
    among.indexOf(matchIn(element, among, key) ?? element);
  const named = wanted.items.flatMap((element) => {
    const match = matchIn(element, list.items, key);
    return match === undefined ? [] : [match];
  });
  const rest = list.items.filter((item) => !named.includes(item));
  const places = before?.items ?? [];
  const items: TreeNode[] = [];
  const ordered = [...named];
  for (const other of rest) {
    // What stood after it stays after it.
    const place = find(other, places);
    while (ordered.length > 0 && !isBefore(place, find(ordered[0] ?? other, places)))
      items.push(...ordered.splice(0, 1));
    items.push(other);
  }
  return { ...list, items: [...items, ...ordered] };
}

/** True when both stood in the list before, and the first one earlier. */
function isBefore(left: number, right: number): boolean {
  return left >= 0 && right >= 0 && left < right;
}

function matchIn(element: TreeNode, among: readonly TreeNode[], key: MergeKey | undefined): TreeNode | undefined {
  if (key !== undefined) return matchOf(element, among, key);
  return among.find((other) => other.is === "scalar" && element.is === "scalar" && other.text === element.text);
}
