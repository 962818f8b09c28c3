import { entryOf, type MapNode, scalarText, type TreeNode } from "../../kinds/yaml/tree.js";
import type { FieldEdit } from "./fields.js";

/** One step of a field path: a key, an index or `*`, or the elements with a field of a value (`[name=web]`, `[=word]`). */
export type FieldStep =
  | { readonly is: "key"; readonly key: string }
  | { readonly is: "match"; readonly field: string; readonly value: string };

/** The steps of a path such as `spec.containers.[name=web].image` or `metadata.annotations.a\.b`: dots separate, but not in brackets or after a backslash. */
export function parseFieldPath(text: string): readonly FieldStep[] {
  return [...text.matchAll(/\[([^\]=]*)=([^\]]*)\]|\[([^\]]*)\]|((?:\\.|[^.[\\])+)/g)].map((match): FieldStep => {
    const [, field, value, quoted, key] = match;
    if (field !== undefined) return { is: "match", field, value: value ?? "" };
    return { is: "key", key: quoted ?? (key ?? "").replace(/\\(.)/g, "$1") };
  });
}

/** Every node that the path leads to. */
export function nodesOn(node: TreeNode | undefined, steps: readonly FieldStep[]): readonly TreeNode[] {
  if (node === undefined) return [];
  const [step, ...rest] = steps;
  if (step === undefined) return [node];
  if (node.is === "list")
    return node.items.filter((item, at) => isMeant(item, at, step)).flatMap((item) => nodesOn(item, rest));
  if (node.is === "scalar" || step.is === "match") return [];
  if (step.key === "*") return node.entries.flatMap(({ value }) => nodesOn(value, rest));
  return nodesOn(entryOf(node, step.key)?.value, rest);
}

/** The tree with every field on the path changed; `at`: fields that are not there are made with this place. */
export function editOn(node: TreeNode, steps: readonly FieldStep[], at: number | undefined, edit: FieldEdit): TreeNode {
  const [step, ...rest] = steps;
  if (step === undefined) return edit(node) ?? node;
  if (node.is === "list") {
    const items = node.items.map((item, index) => (isMeant(item, index, step) ? editOn(item, rest, at, edit) : item));
    const isNew =
      at !== undefined &&
      step.is === "match" &&
      step.field !== "" &&
      !node.items.some((item, index) => isMeant(item, index, step));
    return { ...node, items: isNew ? [...items, editOn(elementOf(step, at), rest, at, edit)] : items };
  }
  if (node.is === "scalar" || step.is === "match") return node;
  if (step.key === "*")
    return {
      ...node,
      entries: node.entries.map((entry) => ({ ...entry, value: editOn(entry.value, rest, at, edit) })),
    };
  return editKey(node, step.key, rest, { at, edit });
}

function editKey(
  node: MapNode,
  key: string,
  rest: readonly FieldStep[],
  { at, edit }: { readonly at: number | undefined; readonly edit: FieldEdit },
): MapNode {
  const held = entryOf(node, key);
  if (held === undefined && at === undefined) return node;
  const value = held?.value ?? emptyFor(rest[0], at ?? 0);
  const changed = rest.length === 0 ? edit(held?.value) : editOn(value, rest, at, edit);
  if (changed === undefined) return node;
  if (held === undefined) return { ...node, entries: [...node.entries, { key, at: changed.at, value: changed }] };
  return { ...node, entries: node.entries.map((entry) => (entry === held ? { ...entry, value: changed } : entry)) };
}

function emptyFor(next: FieldStep | undefined, at: number): TreeNode {
  return next?.is === "match" ? { is: "list", at, items: [] } : { is: "map", at, entries: [] };
}

function elementOf({ field, value }: { readonly field: string; readonly value: string }, at: number): TreeNode {
  return { is: "map", at, entries: [{ key: field, at, value: { is: "scalar", at, text: value, isPlain: false } }] };
}

function isMeant(item: TreeNode, index: number, step: FieldStep): boolean {
  if (step.is === "key") return step.key === "*" || step.key === String(index);
  if (step.field === "") return scalarText(item) === step.value;
  return item.is === "map" && scalarText(entryOf(item, step.field)?.value) === step.value;
}
