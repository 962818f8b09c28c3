import { LIMITS } from "../../lib/limits.js";
import { charTable, isIn } from "./char-table.js";
import { readPlainFlow } from "./plain-flow.js";
import type { ListNode, MapEntry, MapNode, ScalarNode, TreeNode } from "./tree.js";

/**
 * Reads the part of YAML that most files keep to: block maps and lists, scalars and small flow collections on one line, literal blocks,
 * comments and several documents.
 * Four times as fast as the general reader, whose package need not even be loaded. Returns undefined at the first thing that is
 * anything else or could be wrong: then the general reader decides. Where it does answer, tree and positions are the general reader's;
 * a property test holds it to that.
 */
export function readPlainYaml(text: string): readonly TreeNode[] | undefined {
  return new PlainReader(text).documents();
}

const NEWLINE = 10;
const SPACE = 32;
const HASH = 35;
const DASH = 45;
const COLON = 58;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const BRACKET = 91;
const BRACE = 123;
const BAR = 124;

/** Characters of a key that needs no second look: letters, digits, `_`, `.`, `/` and `-`. */
const KEY_CHARS = charTable("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-");
/** What a plain scalar may not start with here; a dash is looked at apart. */
const INDICATORS = charTable("?:,[]{}#&*!|>'\"%@`");
/** Control characters, the tab among them: outside of literal blocks they are left to the general reader. */
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\ufeff]/;
const LONGEST_KEY = 1_000;

/** Holds the line that is being read. `undefined` from any method means: not plain. */
class PlainReader {
  private readonly text: string;
  /** Offset of the current line's first character that is no space. */
  private start = 0;
  /** Offset of its end, the line break excluded. */
  private end = -1;
  /** Column of `start`; inside a list's dash that of what follows the dash. */
  private indent = 0;
  private isOver = false;
  /** The line separates documents. */
  private isMarker = false;
  private depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  documents(): readonly TreeNode[] | undefined {
    const roots: TreeNode[] = [];
    if (!this.advance()) return undefined;
    while (!this.isOver) {
      if (this.isMarker) {
        if (!this.advance()) return undefined;
        continue;
      }
      // A scalar as a document, and a document that is indented, are rare.
      if (this.indent !== 0) return undefined;
      const root = this.block();
      if (root === undefined || !(this.isOver || this.isMarker)) return undefined;
      roots.push(root);
    }
    return roots;
  }

  /** Goes to the next line that is neither empty nor a comment. Returns false when the line is not plain. */
  private advance(): boolean {
    const { text } = this;
    for (let lineStart = this.end + 1; lineStart < text.length; lineStart = this.end + 1) {
      const found = text.indexOf("\n", lineStart);
      this.end = found === -1 ? text.length : found;
      let at = lineStart;
      while (text.charCodeAt(at) === SPACE) at += 1;
      if (at >= this.end) continue;
      if (text.charCodeAt(at) === HASH) {
        if (CONTROL.test(text.slice(at, this.end))) return false;
        continue;
      }
      this.start = at;
      this.indent = at - lineStart;
      return this.look();
    }
    this.isOver = true;
    this.isMarker = false;
    return true;
  }

  /** Looks for what makes a whole line not plain, and for the separator of documents. */
  private look(): boolean {
    const line = this.text.slice(this.start, this.end);
    if (CONTROL.test(line)) return false;
    this.isMarker = false;
    if (this.indent > 0) return true;
    if (line.startsWith("---") && (line.length === 3 || line.charCodeAt(3) === SPACE)) {
      this.isMarker = true;
      return isEmptyOrComment(line.slice(3));
    }
    return !line.startsWith("...") && !line.startsWith("%");
  }

  private block(): TreeNode | undefined {
    this.depth += 1;
    if (this.depth > LIMITS.yamlDepth.value / 2) return undefined;
    const node = this.isDash(this.start) ? this.list() : this.map();
    this.depth -= 1;
    return node;
  }

  /** A dash that begins an element of a list. */
  private isDash(at: number): boolean {
    return this.text.charCodeAt(at) === DASH && (at + 1 === this.end || this.text.charCodeAt(at + 1) === SPACE);
  }

  private list(): ListNode | undefined {
    const { indent, start } = this;
    const items: TreeNode[] = [];
    while (this.isWithin(indent) && this.isDash(this.start)) {
      const item = this.item(indent);
      if (item === undefined) return undefined;
      items.push(item);
    }
    // Deeper, it would go on with the last element; at the same column it may be the key after a list that is not indented.
    if (!this.isOver && !this.isMarker && this.indent > indent) return undefined;
    return { is: "list", at: start, items };
  }

  private item(indent: number): TreeNode | undefined {
    let at = this.start + 1;
    while (this.text.charCodeAt(at) === SPACE) at += 1;
    if (at >= this.end || this.text.charCodeAt(at) === HASH) {
      if (!this.advance() || !this.isDeeper(indent)) return undefined;
      return this.block();
    }
    if (this.isDash(at)) return undefined;
    if (this.keyEnd(at) === -1) return this.scalar(at, indent);
    this.indent += at - this.start;
    this.start = at;
    return this.block();
  }

  private map(): MapNode | undefined {
    const { indent, start } = this;
    const entries: MapEntry[] = [];
    let keys: Set<string> | undefined;
    while (this.isWithin(indent)) {
      const keyAt = this.start;
      const colon = this.isDash(keyAt) ? -1 : this.keyEnd(keyAt);
      if (colon === -1) return undefined;
      const key = this.text.slice(keyAt, colon);
      if (key.length === 4 && key.toLowerCase() === "null") return undefined;
      keys = entries.length < FEW ? undefined : (keys ?? new Set(entries.map((entry) => entry.key)));
      if (keys === undefined ? entries.some((entry) => entry.key === key) : keys.has(key)) return undefined;
      keys?.add(key);
      const value = this.value(colon + 1, indent);
      if (value === undefined) return undefined;
      entries.push({ key, at: keyAt, value });
    }
    if (!this.isOver && !this.isMarker && this.indent > indent) return undefined;
    return { is: "map", at: start, entries };
  }

  private isWithin(indent: number): boolean {
    return !this.isOver && !this.isMarker && this.indent === indent;
  }

  private isDeeper(indent: number): boolean {
    return !this.isOver && !this.isMarker && this.indent > indent;
  }

  /** Offset of the colon after a key; -1 when there is no plain key here. */
  private keyEnd(at: number): number {
    const { text } = this;
    let end = at;
    while (isIn(KEY_CHARS, text.charCodeAt(end))) end += 1;
    if (end === at || text.charCodeAt(end) !== COLON || end - at > LONGEST_KEY) return -1;
    return end + 1 === this.end || text.charCodeAt(end + 1) === SPACE ? end : -1;
  }

  /** What follows a key's colon: a scalar on its line, a block below it, or nothing. */
  private value(after: number, indent: number): TreeNode | undefined {
    let at = after;
    while (this.text.charCodeAt(at) === SPACE) at += 1;
    if (at < this.end && !(this.text.charCodeAt(at) === HASH && at > after)) {
      return at === after ? undefined : this.scalar(at, indent);
    }
    if (!this.advance()) return undefined;
    // A list may stand at the column of its key.
    if (this.isDeeper(indent) || (this.isWithin(indent) && this.isDash(this.start))) return this.block();
    return { is: "scalar", at, text: "", isPlain: true };
  }

  private scalar(at: number, indent: number): TreeNode | undefined {
    const code = this.text.charCodeAt(at);
    if (code === BRACKET || code === BRACE) return this.flow(at);
    if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE) return this.quoted(at, code);
    if (code === BAR) return this.literal(at, indent);
    if (isIn(INDICATORS, code) || this.isDash(at)) return undefined;
    const line = this.text.slice(at, this.end);
    const comment = line.indexOf(" #");
    const text = withoutEndSpaces(comment === -1 ? line : line.slice(0, comment));
    if (text.includes(": ") || text.charCodeAt(text.length - 1) === COLON) return undefined;
    return this.advance() ? { is: "scalar", at, text, isPlain: true } : undefined;
  }

  private flow(at: number): TreeNode | undefined {
    const found = readPlainFlow(this.text, at);
    if (found === undefined || found.next > this.end) return undefined;
    if (!isEmptyOrComment(this.text.slice(found.next, this.end))) return undefined;
    return this.advance() ? found.node : undefined;
  }

  /** A quoted scalar on one line in which nothing is escaped. */
  private quoted(at: number, quote: number): ScalarNode | undefined {
    const close = this.text.indexOf(quote === DOUBLE_QUOTE ? '"' : "'", at + 1);
    if (close === -1 || close >= this.end) return undefined;
    const text = this.text.slice(at + 1, close);
    const isEscaped = quote === DOUBLE_QUOTE ? text.includes("\\") : this.text.charCodeAt(close + 1) === SINGLE_QUOTE;
    if (isEscaped || !isEmptyOrComment(this.text.slice(close + 1, this.end))) return undefined;
    return this.advance() ? { is: "scalar", at, text, isPlain: false } : undefined;
  }

  /** A literal block: `|`, `|-` or `|+`, its lines indented by spaces alone. */
  private literal(at: number, indent: number): ScalarNode | undefined {
    const { text } = this;
    const sign = text.charAt(at + 1);
    const hasSign = sign === "-" || sign === "+";
    if (!isEmptyOrComment(text.slice(at + (hasSign ? 2 : 1), this.end))) return undefined;
    const first = this.end + 1;
    let column = 0;
    while (text.charCodeAt(first + column) === SPACE) column += 1;
    // An empty first line, and a block at or left of its key, have rules of their own.
    if (column <= indent || text.charCodeAt(first + column) === NEWLINE || first + column >= text.length)
      return undefined;
    const lines: string[] = [];
    let next = first;
    while (next < text.length) {
      const end = text.indexOf("\n", next);
      if (end === -1) return undefined;
      const spaces = spacesAt(text, next, column);
      if (spaces < column && next + spaces < end) break;
      lines.push(text.slice(Math.min(next + column, end), end));
      next = end + 1;
    }
    const body = lines.join("\n");
    if (LITERAL_CONTROL.test(body)) return undefined;
    this.end = next - 1;
    const value = chomped(body, hasSign ? sign : "");
    return this.advance() ? { is: "scalar", at, text: value, isPlain: false } : undefined;
  }
}

/** Entries of a map that are searched one by one for a key. */
const FEW = 8;
const LITERAL_CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]/;

/** The lines of a block with the ends that the sign asks for: all of them for `+`, none for `-`, else one. */
function chomped(body: string, sign: string): string {
  if (sign === "+") return `${body}\n`;
  const bare = body.replace(/\n+$/, "");
  return sign === "-" || bare === "" ? bare : `${bare}\n`;
}

/** Of all white space only the space counts in YAML. */
function withoutEndSpaces(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === SPACE) end -= 1;
  return text.slice(0, end);
}

function spacesAt(text: string, at: number, most: number): number {
  let count = 0;
  while (count < most && text.charCodeAt(at + count) === SPACE) count += 1;
  return count;
}

/** Nothing but spaces, or a comment after at least one. */
function isEmptyOrComment(text: string): boolean {
  return /^ *(?: #.*)?$/.test(text);
}
