import { LIMITS } from "../../lib/limits.js";
import { describeNode, entryOf, type MapNode, scalarText, type TreeNode } from "../yaml/tree.js";
import { meansSame, weightOf } from "./json-tree.js";
import type { Patched, PatchRefusal } from "./patched.js";
import { changeParent, indexIn, type Miss, miss, parsePointer, resolvePointer } from "./pointer.js";

/**
 * Applies a JSON patch (RFC 6902): all operations in their order, or none. The refusal names the operation and the place that it does not
 * find. Copies are bounded, so that a short patch cannot double an object thirty times.
 */
export function applyJsonPatch(target: TreeNode, patch: TreeNode): Patched {
  if (patch.is !== "list")
    return refused(patch.at, `a JSON patch is a list of operations, found ${describeNode(patch)}`);
  const operations: Operation[] = [];
  const malformed: PatchRefusal[] = [];
  for (const [index, node] of patch.items.entries()) {
    const read = readOperation(node);
    if (read.is === "operation") operations.push(read);
    else malformed.push({ path: "", at: read.at, message: `operation ${index + 1}: ${read.why}` });
  }
  return malformed.length > 0 ? { is: "refused", why: malformed } : runAll(target, operations);
}

function refused(at: number, message: string): Patched {
  return { is: "refused", why: [{ path: "", at, message }] };
}

function runAll(target: TreeNode, operations: readonly Operation[]): Patched {
  let tree = target;
  let copied = 0;
  for (const [index, operation] of operations.entries()) {
    const next = RUN[operation.op](tree, operation);
    if (next.is === "miss") return refused(operation.at, `operation ${index + 1}, ${operation.op} ${next.why}`);
    if (operation.op === "copy") copied += weightOf(next) - weightOf(tree);
    if (copied > LIMITS.yamlAliasExpansion.value)
      return refused(operation.at, `copies add more than ${LIMITS.yamlAliasExpansion.value} values`);
    tree = next;
  }
  return { is: "patched", tree };
}

const OPS = ["add", "remove", "replace", "move", "copy", "test"] as const;

interface Operation {
  readonly is: "operation";
  readonly op: (typeof OPS)[number];
  readonly path: readonly string[];
  readonly from: readonly string[];
  /** The value; for operations that take none an empty scalar that nothing reads. */
  readonly value: TreeNode;
  readonly at: number;
}

interface Malformed {
  readonly is: "malformed";
  readonly why: string;
  readonly at: number;
}

function readOperation(node: TreeNode): Operation | Malformed {
  if (node.is !== "map") return malformed(node.at, `want a map with op and path, found ${describeNode(node)}`);
  const unknown = node.entries.find(({ key }) => !MEMBERS.has(key));
  if (unknown !== undefined) return malformed(unknown.at, `unknown field "${unknown.key}"`);
  const word = textOf(node, "op");
  const op = OPS.find((name) => name === word);
  if (op === undefined)
    return malformed(entryOf(node, "op")?.value.at ?? node.at, `op is one of ${OPS.join(", ")}, found "${word}"`);
  const path = pointerIn(node, "path");
  if ("is" in path) return path;
  const needsFrom = op === "move" || op === "copy";
  const from = needsFrom ? pointerIn(node, "from") : [];
  if ("is" in from) return from;
  const value = entryOf(node, "value")?.value;
  if (value === undefined && (op === "add" || op === "replace" || op === "test"))
    return malformed(node.at, `${op} needs a value`);
  return { is: "operation", op, path, from, value: value ?? NOTHING, at: node.at };
}

const MEMBERS: ReadonlySet<string> = new Set(["op", "path", "from", "value"]);
const NOTHING: TreeNode = { is: "scalar", at: 0, text: "", isPlain: true };

function malformed(at: number, why: string): Malformed {
  return { is: "malformed", at, why };
}

function textOf(node: MapNode, key: string): string | undefined {
  return scalarText(entryOf(node, key)?.value);
}

function pointerIn(node: MapNode, key: string): readonly string[] | Malformed {
  const text = textOf(node, key);
  if (text === undefined) return malformed(node.at, `${key} is missing`);
  const at = entryOf(node, key)?.value.at ?? node.at;
  return (
    parsePointer(text) ?? malformed(at, `${key} "${text}" is no JSON pointer: want /a/b, with ~1 for / and ~0 for ~`)
  );
}

const RUN: Readonly<Record<Operation["op"], (tree: TreeNode, operation: Operation) => TreeNode | Miss>> = {
  add: (tree, { path, value }) => addAt(tree, path, value),
  remove: (tree, { path }) => removeAt(tree, path),
  replace: (tree, { path, value }) => replaceAt(tree, path, value),
  move: (tree, { path, from }) => {
    if (path.length > from.length && from.every((token, at) => path[at] === token))
      return miss("moves a value into itself");
    const value = resolvePointer(tree, from);
    if (value.is === "miss" || path.join("/") === from.join("/")) return value.is === "miss" ? value : tree;
    const without = removeAt(tree, from);
    return without.is === "miss" ? without : addAt(without, path, value);
  },
  copy: (tree, { path, from }) => {
    const value = resolvePointer(tree, from);
    return value.is === "miss" ? value : addAt(tree, path, value);
  },
  test: (tree, { path, value }) => {
    const found = resolvePointer(tree, path);
    if (found.is === "miss" || meansSame(found, value)) return found.is === "miss" ? found : tree;
    return miss(`finds ${describeNode(found)}, wants ${describeNode(value)}`);
  },
};

function addAt(tree: TreeNode, path: readonly string[], value: TreeNode): TreeNode | Miss {
  if (path.length === 0) return value;
  return changeParent(tree, path, (parent, last) => {
    if (parent.is === "map") return withEntry(parent, last, value);
    if (parent.is === "scalar") return miss("what holds it is neither a map nor a list");
    const index = last === "-" ? parent.items.length : indexIn(parent, last, parent.items.length);
    return typeof index === "number" ? { ...parent, items: parent.items.toSpliced(index, 0, value) } : index;
  });
}

function withEntry(map: MapNode, key: string, value: TreeNode): MapNode {
  const entry = { key, at: value.at, value };
  if (entryOf(map, key) === undefined) return { ...map, entries: [...map.entries, entry] };
  return { ...map, entries: map.entries.map((held) => (held.key === key ? entry : held)) };
}

function removeAt(tree: TreeNode, path: readonly string[]): TreeNode | Miss {
  if (path.length === 0) return miss("the whole object cannot be removed");
  return changeParent(tree, path, (parent, last) => {
    if (parent.is === "scalar") return miss("what holds it is neither a map nor a list");
    if (parent.is === "map") {
      if (entryOf(parent, last) === undefined) return miss("there is no such field");
      return { ...parent, entries: parent.entries.filter(({ key }) => key !== last) };
    }
    const index = indexIn(parent, last, parent.items.length - 1);
    return typeof index === "number" ? { ...parent, items: parent.items.toSpliced(index, 1) } : index;
  });
}

function replaceAt(tree: TreeNode, path: readonly string[], value: TreeNode): TreeNode | Miss {
  const standing = resolvePointer(tree, path);
  if (standing.is === "miss" || path.length === 0) return standing.is === "miss" ? standing : value;
  return changeParent(tree, path, (parent, last) => {
    if (parent.is === "map") return withEntry(parent, last, value);
    if (parent.is === "scalar") return miss("what holds it is neither a map nor a list");
    return { ...parent, items: parent.items.with(Number(last), value) };
  });
}
