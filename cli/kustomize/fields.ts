import {
  entryOf,
  isNull,
  type MapEntry,
  type MapNode,
  type ScalarNode,
  scalarText,
  type TreeNode,
} from "../../kinds/yaml/tree.js";

/** A string with the place of what it came from. */
export function stringNode(text: string, at: number): ScalarNode {
  return { is: "scalar", at, text, isPlain: false };
}

/** A number with the place of what it came from. */
export function numberNode(value: number, at: number): ScalarNode {
  return { is: "scalar", at, text: String(value), isPlain: true };
}

/** A map of strings. */
export function stringsNode(pairs: Readonly<Record<string, string>>, at: number): MapNode {
  return mapNode(
    Object.entries(pairs).map(([key, value]) => [key, stringNode(value, at)] as const),
    at,
  );
}

/** A map of the entries that are there. */
export function mapNode(
  entries: readonly (readonly [key: string, value: TreeNode | undefined])[],
  at: number,
): MapNode {
  const held = entries.flatMap(([key, value]) => (value === undefined ? [] : [{ key, at: value.at, value }]));
  return { is: "map", at, entries: held };
}

/** Every node that the steps lead to; lists on the way are gone through. */
export function nodesAt(node: TreeNode | undefined, steps: readonly string[]): readonly TreeNode[] {
  if (node === undefined) return [];
  const [step, ...rest] = steps;
  if (step === undefined) return [node];
  if (node.is === "list") return node.items.flatMap((item) => nodesAt(item, steps));
  return node.is === "map" ? nodesAt(entryOf(node, step)?.value, rest) : [];
}

/** The text that stands at the steps; undefined when there is none. */
export function textAt(node: TreeNode, ...steps: readonly string[]): string | undefined {
  return scalarText(nodesAt(node, steps)[0]);
}

/** What is to be made of a field; `undefined` in: it is not there, out: it goes. */
export type FieldEdit = (value: TreeNode | undefined) => TreeNode | undefined;

/** How missing fields are treated: not at all, or made, with the place given. */
export type Creation = "never" | { readonly at: number };

/** The tree with every field changed that the steps lead to; lists on the way are gone through. */
export function editField(node: TreeNode, steps: readonly string[], creation: Creation, edit: FieldEdit): TreeNode {
  const [step, ...rest] = steps;
  if (step === undefined) return edit(node) ?? node;
  if (node.is === "list") return { ...node, items: node.items.map((item) => editField(item, steps, creation, edit)) };
  if (node.is === "scalar") return node;
  const held = entryOf(node, step);
  const value = held === undefined || isNull(held.value) ? undefined : held.value;
  if (value === undefined && creation === "never") return node;
  const changed = changedValue(value, rest, creation, edit);
  return withEntry(node, step, changed);
}

function changedValue(
  value: TreeNode | undefined,
  rest: readonly string[],
  creation: Creation,
  edit: FieldEdit,
): TreeNode | undefined {
  if (rest.length === 0) return edit(value);
  const at = creation === "never" ? 0 : creation.at;
  return editField(value ?? { is: "map", at, entries: [] }, rest, creation, edit);
}

/** The map with the entry set in its place or at the end; without it when the value is undefined. */
export function withEntry(map: MapNode, key: string, value: TreeNode | undefined): MapNode {
  if (value === undefined) return { ...map, entries: map.entries.filter((entry) => entry.key !== key) };
  const entry: MapEntry = { key, at: entryOf(map, key)?.at ?? value.at, value };
  if (entryOf(map, key) === undefined) return { ...map, entries: [...map.entries, entry] };
  return { ...map, entries: map.entries.map((held) => (held.key === key ? entry : held)) };
}

/** A map of strings with more pairs in it, those that were there overwritten. */
export function withPairs(pairs: MapNode): FieldEdit {
  return (value) => {
    const start: MapNode = value?.is === "map" ? value : { is: "map", at: pairs.at, entries: [] };
    return pairs.entries.reduce((map, entry) => withEntry(map, entry.key, entry.value), start);
  };
}

/** The objects of a document: itself, or the items of a list of objects. */
export function entriesOf(document: TreeNode): readonly TreeNode[] {
  const items = document.is === "map" ? entryOf(document, "items")?.value : undefined;
  const isList = (textAt(document, "kind") ?? "").endsWith("List") && items?.is === "list";
  return isList ? items.items : [document];
}
