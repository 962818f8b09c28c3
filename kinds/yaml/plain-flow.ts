import { charTable, isIn } from "./char-table.js";
import type { MapEntry, TreeNode } from "./tree.js";

/** A node of flow style and the offset behind it. */
export interface FlowResult {
  readonly node: TreeNode;
  readonly next: number;
}

const SPACE = 32;
const COLON = 58;
const COMMA = 44;
const DASH = 45;
/** Characters of words that mean themselves in flow style. */
const WORD_CHARS = charTable("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-");
const MOST_LEVELS = 8;

/**
 * Reads `[a, "b"]` or `{a: b}` that ends on its line and holds nothing but words and quoted texts without escapes, as manifests have them.
 * Undefined for anything else: an empty element, a comma at the end, a key in quotes, a line break.
 */
export function readPlainFlow(text: string, at: number, level = 0): FlowResult | undefined {
  if (level > MOST_LEVELS) return undefined;
  const first = text.charAt(at);
  if (first === "[") return readList(text, at, level);
  if (first === "{") return readMap(text, at, level);
  if (first === '"' || first === "'") return readQuoted(text, at, first);
  return readWord(text, at);
}

function readList(text: string, at: number, level: number): FlowResult | undefined {
  const items: TreeNode[] = [];
  let next = skipSpaces(text, at + 1);
  if (text.charAt(next) === "]") return { node: { is: "list", at, items }, next: next + 1 };
  for (;;) {
    const item = readPlainFlow(text, next, level + 1);
    if (item === undefined) return undefined;
    items.push(item.node);
    next = skipSpaces(text, item.next);
    if (text.charAt(next) === "]") return { node: { is: "list", at, items }, next: next + 1 };
    if (text.charCodeAt(next) !== COMMA) return undefined;
    next = skipSpaces(text, next + 1);
  }
}

function readMap(text: string, at: number, level: number): FlowResult | undefined {
  const entries: MapEntry[] = [];
  let next = skipSpaces(text, at + 1);
  if (text.charAt(next) === "}") return { node: { is: "map", at, entries }, next: next + 1 };
  for (;;) {
    const keyAt = next;
    const colon = wordEnd(text, keyAt);
    const key = text.slice(keyAt, colon);
    const isKey = colon > keyAt && text.charCodeAt(colon) === COLON && text.charCodeAt(colon + 1) === SPACE;
    if (!isKey || key.toLowerCase() === "null" || entries.some((entry) => entry.key === key)) return undefined;
    const value = readPlainFlow(text, skipSpaces(text, colon + 1), level + 1);
    if (value === undefined) return undefined;
    entries.push({ key, at: keyAt, value: value.node });
    next = skipSpaces(text, value.next);
    if (text.charAt(next) === "}") return { node: { is: "map", at, entries }, next: next + 1 };
    if (text.charCodeAt(next) !== COMMA) return undefined;
    next = skipSpaces(text, next + 1);
  }
}

function readQuoted(text: string, at: number, quote: string): FlowResult | undefined {
  const close = text.indexOf(quote, at + 1);
  if (close === -1) return undefined;
  const held = text.slice(at + 1, close);
  const isEscaped = quote === '"' ? held.includes("\\") : text.charAt(close + 1) === "'";
  // What follows without a space in between may be a key's colon.
  if (isEscaped || held.includes("\n") || text.charCodeAt(close + 1) === COLON) return undefined;
  return { node: { is: "scalar", at, text: held, isPlain: false }, next: close + 1 };
}

/** A word; a colon counts to it when another character of a word follows, as in nginx:1.25. */
function readWord(text: string, at: number): FlowResult | undefined {
  let end = wordEnd(text, at);
  while (end > at && text.charCodeAt(end) === COLON && isIn(WORD_CHARS, text.charCodeAt(end + 1)))
    end = wordEnd(text, end + 1);
  const after = skipSpaces(text, end);
  const isWhole = text.charCodeAt(after) === COMMA || text.charAt(after) === "]" || text.charAt(after) === "}";
  const isDash = text.charCodeAt(at) === DASH && end === at + 1;
  if (end === at || isDash || !isWhole) return undefined;
  return { node: { is: "scalar", at, text: text.slice(at, end), isPlain: true }, next: end };
}

function wordEnd(text: string, at: number): number {
  let end = at;
  while (isIn(WORD_CHARS, text.charCodeAt(end))) end += 1;
  return end;
}

function skipSpaces(text: string, at: number): number {
  let next = at;
  while (text.charCodeAt(next) === SPACE) next += 1;
  return next;
}
