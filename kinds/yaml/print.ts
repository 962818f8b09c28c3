import type { Json } from "../encode.js";
import type { TreeNode } from "./tree.js";

/**
 * Writes a JSON value as YAML in kubectl's style. Strings that any reader of YAML 1.1 or 1.2 would take for something
 * else are quoted; texts of several lines are block scalars where that loses nothing.
 */
export function printYaml(value: Json): string {
  return printValue(value);
}

function printValue(value: Value): string {
  if (isBranch(value)) return lines(value, "").join("");
  return `${scalar(value, "")}\n`;
}

/** Writes a tree as YAML: plain scalars as they were written, so that `0644` and `1e3` stay what they are. */
export function printTree(node: TreeNode): string {
  return printValue(printable(node));
}

function printable(node: TreeNode): Value {
  if (node.is === "list") return node.items.map(printable);
  if (node.is === "map") return Object.fromEntries(node.entries.map(({ key, value }) => [key, printable(value)]));
  if (!node.isPlain || node.text.includes("\n")) return node.text;
  return node.text === "" ? null : new PlainText(node.text);
}

/** A scalar that is written as it stands. */
class PlainText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = null | boolean | number | string | PlainText | readonly Value[] | { readonly [key: string]: Value };

/** A list or map that is not empty. */
type Branch = readonly Value[] | { readonly [key: string]: Value };

function isBranch(value: Value): value is Branch {
  if (value instanceof PlainText) return false;
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

function lines(value: Branch, indent: string): string[] {
  if (isList(value)) return value.map((item) => `${indent}- ${element(item, indent)}`);
  return Object.entries(value).map(
    ([key, inner]) => `${indent}${plain(key) ? key : quote(key)}:${entry(inner, indent)}`,
  );
}

/** An element after its dash: a map's first entry stands on the dash's line. */
function element(item: Value, indent: string): string {
  if (!isBranch(item)) return `${scalar(item, indent)}\n`;
  return lines(item, `${indent}  `)
    .join("")
    .slice(indent.length + 2);
}

function entry(value: Value, indent: string): string {
  if (!isBranch(value)) return ` ${scalar(value, indent)}\n`;
  return `\n${lines(value, isList(value) ? indent : `${indent}  `).join("")}`;
}

function isList(value: Branch): value is readonly Value[] {
  return Array.isArray(value);
}

function scalar(value: Value, indent: string): string {
  if (value instanceof PlainText) return value.text;
  if (Array.isArray(value)) return "[]";
  if (typeof value === "object" && value !== null) return "{}";
  if (typeof value !== "string") return String(value);
  if (plain(value)) return value;
  return block(value, indent) ?? quote(value);
}

const SAFE =
  /^[A-Za-z0-9_./$<(][A-Za-z0-9_./$@+=~^()<>;!?*%&'"{}[\]|\\-]*(?:(?: +|:)[A-Za-z0-9_./$@+=~^()<>;!?*%&'"{}[\]|\\-]+)*$/;
const WORDS = /^(?:y|n|yes|no|on|off|true|false|null|~|<<|=)$/i;
/** Digits with anything that numbers, times or dates are made of, in any version of YAML. */
const NUMBERLIKE = /^[-+._0-9][-+._:0-9e]*$|^[-+]?0(?:x[0-9a-f_]+|o[0-7_]+|b[01_]+)$|^\.(?:inf|nan)$|^e[-+]?[0-9]+$/i;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+(?:[:/]\d+)?$/;

/** True when the text means itself without quotes. */
function plain(text: string): boolean {
  if (!SAFE.test(text) || WORDS.test(text) || /^\d{4}-\d\d?-\d\d?/.test(text)) return false;
  return !NUMBERLIKE.test(text) || ADDRESS.test(text);
}

/** The text as a literal block; undefined when it has to be quoted. */
function block(text: string, indent: string): string | undefined {
  if (
    !text.includes("\n") ||
    !/^[^\s\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff][^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]*$/.test(text)
  )
    return undefined;
  if (/[ \t]$/m.test(text)) return undefined;
  const body = text.replace(/\n+$/, "");
  const tail = text.length - body.length;
  const chomp = tail === 0 ? "-" : tail === 1 ? "" : "+";
  const inner = `${indent}  `;
  const shown = body
    .split("\n")
    .map((line) => (line === "" ? "" : `${inner}${line}`))
    .join("\n");
  return `|${chomp}\n${shown}${"\n".repeat(Math.max(0, tail - 1))}`;
}

/** A JSON string is a double-quoted scalar once the characters that YAML cannot print are escaped. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
