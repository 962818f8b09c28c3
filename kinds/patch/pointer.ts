import type { ListNode, TreeNode } from "../yaml/tree.js";

/** The steps of a JSON pointer (RFC 6901); undefined when the text is none. */
export function parsePointer(text: string): readonly string[] | undefined {
  if (text === "") return [];
  if (!text.startsWith("/") || /~(?![01])/.test(text)) return undefined;
  return text
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The pointer as it is written. */
export function pointerText(tokens: readonly string[]): string {
  return tokens.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Why a pointer leads nowhere. */
export interface Miss {
  readonly is: "miss";
  readonly why: string;
}

/** Makes a miss. */
export function miss(why: string): Miss {
  return { is: "miss", why };
}

/** What a pointer names. */
export function resolvePointer(root: TreeNode, tokens: readonly string[]): TreeNode | Miss {
  let node: TreeNode = root;
  for (const [depth, token] of tokens.entries()) {
    const child = childOf(node, token);
    if (child.is === "miss") return miss(`${pointerText(tokens.slice(0, depth + 1))}: ${child.why}`);
    node = child;
  }
  return node;
}

/** The root with the parent of what the pointer names changed. Only the nodes on the way are made anew. The pointer is not empty. */
export function changeParent(
  root: TreeNode,
  tokens: readonly string[],
  change: (parent: TreeNode, last: string) => TreeNode | Miss,
): TreeNode | Miss {
  return changeBelow(root, { tokens, depth: 0 }, change);
}

interface Way {
  readonly tokens: readonly string[];
  readonly depth: number;
}

function changeBelow(
  node: TreeNode,
  { tokens, depth }: Way,
  change: (parent: TreeNode, last: string) => TreeNode | Miss,
): TreeNode | Miss {
  const token = tokens[depth] ?? "";
  const at = pointerText(tokens.slice(0, depth + 1));
  if (depth === tokens.length - 1) {
    const changed = change(node, token);
    return changed.is === "miss" ? miss(`${at}: ${changed.why}`) : changed;
  }
  const child = childOf(node, token);
  if (child.is === "miss") return miss(`${at}: ${child.why}`);
  const changed = changeBelow(child, { tokens, depth: depth + 1 }, change);
  return changed.is === "miss" ? changed : withChild(node, token, changed);
}

function childOf(node: TreeNode, token: string): TreeNode | Miss {
  if (node.is === "map") return node.entries.find(({ key }) => key === token)?.value ?? miss("there is no such field");
  if (node.is === "scalar") return miss("what holds it is neither a map nor a list");
  const index = indexIn(node, token, node.items.length - 1);
  return typeof index === "number" ? (node.items[index] ?? miss("there is no such element")) : index;
}

function withChild(node: TreeNode, token: string, child: TreeNode): TreeNode {
  if (node.is === "map")
    return {
      ...node,
      entries: node.entries.map((entry) => (entry.key === token ? { ...entry, value: child } : entry)),
    };
  if (node.is === "scalar") return node;
  return { ...node, items: node.items.map((item, at) => (String(at) === token ? child : item)) };
}

/** The index that a token names, at most `last`. */
export function indexIn(list: ListNode, token: string, last: number): number | Miss {
  if (!/^(?:0|[1-9][0-9]*)$/.test(token)) return miss(`want an index of a list, found "${token}"`);
  const index = Number(token);
  return index <= last ? index : miss(`the list has ${list.items.length} element${list.items.length === 1 ? "" : "s"}`);
}
