import type { Json } from "../encode.js";
import { wholeOf } from "../scalars.js";
import { plainKind, type ScalarNode, type TreeNode } from "../yaml/tree.js";

/** The JSON value as a tree, so that it can be patched and decoded like a file. Every node has the place given. */
export function treeOfJson(json: Json, at: number): TreeNode {
  if (isJsonList(json)) return { is: "list", at, items: json.map((item) => treeOfJson(item, at)) };
  if (typeof json === "object" && json !== null)
    return {
      is: "map",
      at,
      entries: Object.entries(json).map(([key, value]) => ({ key, at, value: treeOfJson(value, at) })),
    };
  return { is: "scalar", at, text: String(json), isPlain: typeof json !== "string" };
}

function isJsonList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

/** The tree as a JSON value: plain scalars mean what YAML 1.2 says, but a leading zero is octal, as in every manifest. */
export function jsonOfTree(node: TreeNode): Json {
  switch (node.is) {
    case "scalar":
      return jsonOfScalar(node);
    case "list":
      return node.items.map(jsonOfTree);
    case "map":
      // Built from entries: `__proto__` is a key like any other.
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, jsonOfTree(value)]));
  }
}

function jsonOfScalar(node: ScalarNode): Json {
  switch (plainKind(node)) {
    case "null":
      return null;
    case "bool":
      return node.text.toLowerCase() === "true";
    case "int":
    case "float": {
      const number = wholeOf(node.text);
      // JSON has no infinity.
      return Number.isFinite(number) ? number : node.text;
    }
    case "string":
      return node.text;
  }
}

/** True when both trees mean the same: 8080 is not "8080", 1 is 1.0, order counts in lists and not in maps. */
export function meansSame(left: TreeNode, right: TreeNode): boolean {
  if (left === right) return true;
  if (left.is === "scalar") return right.is === "scalar" && jsonOfScalar(left) === jsonOfScalar(right);
  if (left.is === "list")
    return (
      right.is === "list" &&
      left.items.length === right.items.length &&
      left.items.every((item, at) => {
        const other = right.items[at];
        return other !== undefined && meansSame(item, other);
      })
    );
  if (right.is !== "map" || left.entries.length !== right.entries.length) return false;
  const others = new Map(right.entries.map(({ key, value }) => [key, value]));
  return left.entries.every(({ key, value }) => {
    const other = others.get(key);
    return other !== undefined && meansSame(value, other);
  });
}

/** How many values a tree has, those that are shared counted each time. */
export function weightOf(node: TreeNode): number {
  if (node.is === "scalar") return 1;
  const children = node.is === "list" ? node.items : node.entries.map(({ value }) => value);
  return children.reduce((sum, child) => sum + weightOf(child), 1);
}
