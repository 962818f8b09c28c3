import { type ListNode, type MapEntry, type MapNode, scalarText, type TreeNode } from "../yaml/tree.js";

/** What a map of a strategic patch says beside its fields. */
export interface Directives {
  readonly patch: "merge" | "replace" | "delete";
  /** Keys of the target that stay; undefined: all. */
  readonly retain: ReadonlySet<string> | undefined;
  /** By field: values that go from a list of words. */
  readonly removed: ReadonlyMap<string, ListNode>;
  /** By field: the order that a list is brought into. */
  readonly order: ReadonlyMap<string, ListNode>;
  /** The fields. */
  readonly entries: readonly MapEntry[];
}

const REMOVED = "$deleteFromPrimitiveList/";
const ORDER = "$setElementOrder/";

/** Tells the directives of a patch's map from its fields. */
export function readDirectives(patch: MapNode, refuse: (at: number, message: string) => void): Directives {
  let word: Directives["patch"] = "merge";
  let retain: ReadonlySet<string> | undefined;
  const removed = new Map<string, ListNode>();
  const order = new Map<string, ListNode>();
  const entries: MapEntry[] = [];
  const list = ({ key, value }: MapEntry): ListNode | undefined => {
    if (value.is === "list") return value;
    refuse(value.at, `${key} wants a list`);
    return undefined;
  };
  const put = (map: Map<string, ListNode>, field: string, entry: MapEntry): void => {
    const value = list(entry);
    if (value !== undefined) map.set(field, value);
  };
  for (const entry of patch.entries) {
    const { key } = entry;
    if (key === "$patch") word = readWord(entry.value, refuse);
    else if (key === "$retainKeys") retain = new Set(list(entry)?.items.map((item) => scalarText(item) ?? "") ?? []);
    else if (key.startsWith(REMOVED)) put(removed, key.slice(REMOVED.length), entry);
    else if (key.startsWith(ORDER)) put(order, key.slice(ORDER.length), entry);
    else entries.push(entry);
  }
  return { patch: word, retain, removed, order, entries };
}

function readWord(node: TreeNode, refuse: (at: number, message: string) => void): Directives["patch"] {
  const text = scalarText(node);
  if (text === "merge" || text === "replace" || text === "delete") return text;
  refuse(node.at, `$patch is merge, replace or delete, found "${text}"`);
  return "merge";
}
