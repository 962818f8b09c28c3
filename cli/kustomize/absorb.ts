import { entryOf, type TreeNode } from "../../kinds/yaml/tree.js";
import { editField, nodesAt, stringNode, withPairs } from "./fields.js";
import { allIds, idKey, idOf, idText, isSameId, type Resource, withTree } from "./resource.js";
import type { Told } from "./told.js";

/** Adds objects to others; of two that are named alike the second is refused. */
export function addAll(
  held: readonly Resource[],
  { made, at }: { readonly made: readonly Resource[]; readonly at: number },
  told: Told,
): readonly Resource[] {
  const known = new Map(held.map((resource) => [idKey(idOf(resource)), resource]));
  const added = made.filter((resource) => {
    const id = idOf(resource);
    const twin = known.get(idKey(id));
    known.set(idKey(id), twin ?? resource);
    if (twin !== undefined) told.refuse(at, `${idText(id)} is there already, from ${twin.origin}`);
    return twin === undefined;
  });
  return [...held, ...added];
}

/** An object that a generator made. */
export interface Generated {
  readonly made: Resource;
  /** What the generator asks for: merge or replace change the object of the name, all else makes a new one. */
  readonly behavior: string;
  readonly at: number;
}

/** Puts a generated object to the others: as a new one, or, when the generator asks for it, into the one that has or had its name. */
export function absorb(
  resources: readonly Resource[],
  { made, behavior, at }: Generated,
  told: Told,
): readonly Resource[] {
  const id = idOf(made);
  const matches = resources.filter((held) => allIds(held).some((known) => isSameId(known, id)));
  const [match, second] = matches;
  if (second !== undefined) return told.refuse(at, `${matches.length} objects are or were ${idText(id)}`) ?? resources;
  const isMeantToExist = behavior === "merge" || behavior === "replace";
  if (match === undefined) {
    if (!isMeantToExist) return [...resources, made];
    return told.refuse(at, `behavior ${behavior}: there is no ${idText(id)}`) ?? resources;
  }
  if (!isMeantToExist)
    return (
      told.refuse(at, `${idText(id)} is there already, from ${match.origin}; behavior merge or replace changes it`) ??
      resources
    );
  return resources.map((held) => (held === match ? combined(match, made, behavior) : held));
}

/** The generated object under the name and with the labels and annotations of the one that it changes; merged, also with its contents. */
function combined(old: Resource, made: Resource, behavior: string): Resource {
  const { name, namespace } = idOf(old);
  const at = made.tree.at;
  const set = (tree: TreeNode, key: string, text: string): TreeNode =>
    text === "" ? tree : editField(tree, ["metadata", key], { at }, () => stringNode(text, at));
  const named = set(set(made.tree, "name", name), "namespace", namespace);
  const paths = [
    ["metadata", "labels"],
    ["metadata", "annotations"],
    ...(behavior === "merge" ? [["data"], ["binaryData"]] : []),
  ];
  const tree = paths.reduce<TreeNode>((held, path) => {
    const [before] = nodesAt(old.tree, path);
    if (before?.is !== "map") return held;
    return editField(held, path, { at }, (own) => (own?.is === "map" ? withPairs(own)(before) : before));
  }, named);
  const kept =
    behavior === "merge" && tree.is === "map" && entryOf(tree, "type") !== undefined ? keepType(tree, old) : tree;
  return { ...withTree(old, kept), needsHash: old.needsHash || made.needsHash };
}

/** A Secret that is merged keeps its type unless the generator names another than the default. */
function keepType(tree: TreeNode, old: Resource): TreeNode {
  const [type] = nodesAt(old.tree, ["type"]);
  return editField(tree, ["type"], "never", (own) =>
    own?.is === "scalar" && own.text === "Opaque" ? (type ?? own) : own,
  );
}
