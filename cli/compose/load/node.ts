import type { ComposeTag, ParsedYaml } from "../../../kinds/yaml/parsed.js";
import type { Source } from "../../../kinds/yaml/source.js";
import type { TreeNode } from "../../../kinds/yaml/tree.js";

/** A place in one of the project's files. */
export interface Place {
  readonly source: Source;
  /** Offset in the source. */
  readonly at: number;
}

/** A value of a compose file. Unlike the trees of kinds/yaml each knows its file, because several files are merged into one. */
export type ComposeNode = ComposeScalar | ComposeList | ComposeMap;

/** A scalar as written; what it means is decided by the field it stands in. */
export interface ComposeScalar {
  readonly is: "scalar";
  readonly place: Place;
  readonly text: string;
  readonly isPlain: boolean;
  /** A variable was put in: the text may stand for a string or a number, as the field wants. */
  readonly isInterpolated?: boolean;
  readonly tag?: ComposeTag;
}

/** A sequence. */
export interface ComposeList {
  readonly is: "list";
  readonly place: Place;
  readonly items: readonly ComposeNode[];
  readonly tag?: ComposeTag;
}

/** A mapping with unique keys. */
export interface ComposeMap {
  readonly is: "map";
  readonly place: Place;
  readonly entries: readonly ComposeEntry[];
  readonly tag?: ComposeTag;
}

/** One entry; its place is the key's. */
export interface ComposeEntry {
  readonly key: string;
  readonly place: Place;
  readonly value: ComposeNode;
}

/** The tree of one document with the file in every place. What is aliased stays shared, so no bomb goes off here. */
export function composeTree(root: TreeNode, { source, tags }: Pick<ParsedYaml, "source" | "tags">): ComposeNode {
  const known = new Map<TreeNode, ComposeNode>();
  const convert = (node: TreeNode): ComposeNode => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const tag = tags?.get(node.at);
    const base = { place: { source, at: node.at }, ...(tag === undefined ? {} : { tag }) };
    const made: ComposeNode =
      node.is === "scalar"
        ? { ...base, is: "scalar", text: node.text, isPlain: node.isPlain }
        : node.is === "list"
          ? { ...base, is: "list", items: node.items.map(convert) }
          : {
              ...base,
              is: "map",
              entries: node.entries.map(({ key, at, value }) => ({
                key,
                place: { source, at },
                value: convert(value),
              })),
            };
    known.set(node, made);
    return made;
  };
  return convert(root);
}

/** The value of a key; undefined when there is none. */
export function childOf(node: ComposeMap, key: string): ComposeNode | undefined {
  return node.entries.find((entry) => entry.key === key)?.value;
}

/** The map without some of its keys. */
export function without(node: ComposeMap, keys: readonly string[]): ComposeMap {
  return { ...node, entries: node.entries.filter(({ key }) => !keys.includes(key)) };
}

/** The node as kinds/yaml describes it in errors. */
export function asTreeNode(node: ComposeNode): TreeNode {
  if (node.is === "list") return { is: "list", at: node.place.at, items: [] };
  if (node.is === "map") return { is: "map", at: node.place.at, entries: [] };
  const isPlain = node.isPlain && node.isInterpolated !== true;
  return { is: "scalar", at: node.place.at, text: node.text, isPlain };
}
