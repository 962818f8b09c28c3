/**
 * A YAML or JSON value with its place in the source, before anything is known of its meaning: scalars are the text as
 * written, and whether `8080` is a number or a string is decided by the field it stands in. Aliased nodes are shared,
 * never copied. Any reader that produces this tree can stand in for the one in parse.ts.
 */
export type TreeNode = ScalarNode | ListNode | MapNode;

/** A scalar as written, quotes and escapes resolved. `isPlain` is false for quoted and block scalars. */
export interface ScalarNode {
  readonly is: "scalar";
  /** Offset in the source. */
  readonly at: number;
  readonly text: string;
  readonly isPlain: boolean;
}

/** A sequence. */
export interface ListNode {
  readonly is: "list";
  readonly at: number;
  readonly items: readonly TreeNode[];
}

/** A mapping; its keys are unique and merge keys are resolved. */
export interface MapNode {
  readonly is: "map";
  readonly at: number;
  readonly entries: readonly MapEntry[];
}

/** One entry of a mapping. `at` is the key's offset. */
export interface MapEntry {
  readonly key: string;
  readonly at: number;
  readonly value: TreeNode;
}

/** The entry of a key; undefined when there is none. */
export function entryOf(node: MapNode, key: string): MapEntry | undefined {
  return node.entries.find((entry) => entry.key === key);
}

/** The text of a scalar as written; undefined for anything else. */
export function scalarText(node: TreeNode | undefined): string | undefined {
  return node?.is === "scalar" ? node.text : undefined;
}

/** What a plain scalar means by the core schema of YAML 1.2. */
export type PlainKind = "null" | "bool" | "int" | "float" | "string";

const INT = /^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$/;
const FLOAT =
  /^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const WORDS: Readonly<Record<string, PlainKind>> = {
  "": "null",
  "~": "null",
  null: "null",
  Null: "null",
  NULL: "null",
  true: "bool",
  True: "bool",
  TRUE: "bool",
  false: "bool",
  False: "bool",
  FALSE: "bool",
};

/** What a scalar means by itself; a quoted one is always a string. */
export function plainKind(node: ScalarNode): PlainKind {
  if (!node.isPlain) return "string";
  const { text } = node;
  const first = text.charCodeAt(0);
  // Digits, sign or dot: the only starts of a number.
  if ((first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46) {
    if (INT.test(text)) return "int";
    return FLOAT.test(text) ? "float" : "string";
  }
  if (text.length > 5) return "string";
  return Object.hasOwn(WORDS, text) ? (WORDS[text] ?? "string") : "string";
}

/** True for an absent value: an empty or `null` plain scalar. */
export function isNull(node: TreeNode): boolean {
  return node.is === "scalar" && plainKind(node) === "null";
}

/** What the node is, in words for an error: `the number 8080`, `a list`. */
export function describeNode(node: TreeNode): string {
  if (node.is === "list") return "a list";
  if (node.is === "map") return "a map";
  const shown = node.text.length > 40 ? `${node.text.slice(0, 40)}…` : node.text;
  switch (plainKind(node)) {
    case "null":
      return "nothing";
    case "bool":
      return `the boolean ${shown}`;
    case "int":
    case "float":
      return `the number ${shown}`;
    case "string":
      return `the string ${JSON.stringify(shown)}`;
  }
}

/** The tree as plain maps and lists whose scalars are all text, for small files of our own. */
export function textsOf(node: TreeNode): unknown {
  if (node.is === "scalar") return node.text;
  if (node.is === "list") return node.items.map(textsOf);
  // Built from entries: `__proto__` is a key like any other.
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, textsOf(value)]));
}
