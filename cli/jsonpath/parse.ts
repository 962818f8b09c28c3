import { TallshipError } from "../../lib/errors.js";
import { Reader } from "./reader.js";
import type { Filter, Operand, Part, Sign, Step } from "./template.js";

/**
 * Reads a template of kubectl's JSONPath: text, and in braces paths, quoted texts, `range` and `end`. Throws invalid_argument that says what
 * is wrong with it.
 */
export function parseTemplate(text: string): readonly Part[] {
  const open: { readonly path: readonly Step[]; readonly parts: Part[] }[] = [{ path: [], parts: [] }];
  const add = (part: Part): void => void open.at(-1)?.parts.push(part);
  for (const piece of piecesOf(text)) {
    if (piece.is === "text") {
      add(piece);
      continue;
    }
    const reader = new Reader(piece.text, text);
    const word = reader.word();
    if (word === "range") open.push({ path: readPath(reader), parts: [] });
    else if (word === "end") {
      const closed = open.length > 1 ? open.pop() : undefined;
      if (closed === undefined) throw reader.refuse("{end} without {range}");
      add({ is: "range", path: closed.path, body: closed.parts });
    } else if (reader.isQuote()) add({ is: "text", text: reader.quoted() });
    else add({ is: "path", path: readPath(reader) });
    reader.expectEnd();
  }
  if (open.length > 1) throw refusal(text, "{range} without {end}");
  return open[0]?.parts ?? [];
}

/** Reads one path as kubectl does where only a path can stand: `x.y`, `.x.y`, `{x.y}` and `{.x.y}` are one. */
export function parsePath(text: string): readonly Step[] {
  const inner = /^\{(.*)\}$/s.exec(text.trim())?.[1] ?? text.trim();
  if (inner === "" || /[{}]/.test(inner.replace(/'[^']*'|"[^"]*"/g, ""))) throw refusal(text, "want one path");
  const reader = new Reader(/^[.[$@]/.test(inner) ? inner : `.${inner}`, text);
  const path = readPath(reader);
  reader.expectEnd();
  return path;
}

type Piece = { readonly is: "text"; readonly text: string } | { readonly is: "action"; readonly text: string };

/** Splits at braces; one within quotes belongs to the text that is quoted. */
function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("{", at);
    if (open !== at) pieces.push({ is: "text", text: text.slice(at, open === -1 ? undefined : open) });
    if (open === -1) break;
    const close = closingBrace(text, open + 1);
    pieces.push({ is: "action", text: text.slice(open + 1, close) });
    at = close + 1;
  }
  return pieces;
}

function closingBrace(text: string, from: number): number {
  let quote = "";
  for (let at = from; at < text.length; at += 1) {
    const char = text[at] ?? "";
    if (char === "\\") at += 1;
    else if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === "}") return at;
  }
  throw refusal(text, "a brace is not closed");
}

function refusal(whole: string, why: string): TallshipError {
  return new TallshipError("invalid_argument", `jsonpath "${whole}": ${why}`);
}

/** Reads steps until something stands there that is none. */
export function readPath(reader: Reader): readonly Step[] {
  const path: Step[] = [];
  for (;;) {
    reader.skipSpaces();
    if (reader.take("$") || reader.take("@")) continue; // Both name what the path starts from, as with kubectl.
    if (reader.take("..")) {
      path.push({ is: "recursive" });
      if (!reader.sees("[")) path.push(readName(reader));
    } else if (reader.take(".")) {
      // A dot alone is the value itself; before a bracket it says nothing.
      if (reader.seesName()) path.push(readName(reader));
    } else if (reader.sees("[")) path.push(...readBrackets(reader));
    else if (path.length === 0 && reader.seesName()) path.push(readName(reader));
    else return path;
  }
}

function readName(reader: Reader): Step {
  const name = reader.name();
  return name === "*" ? { is: "wildcard" } : { is: "field", name };
}

const SLICE = /^(-?\d*)(?::(-?\d*))?(?::(-?\d*))?$/;

function readBrackets(reader: Reader): readonly Step[] {
  const inside = reader.brackets().trim();
  const parts = splitOutsideQuotes(inside, ",").map((part) => bracketStep(part.trim(), reader));
  const [only, ...others] = parts;
  if (only === undefined) throw reader.refuse("[] is empty");
  return others.length === 0 ? [only] : [{ is: "union", parts }];
}

function bracketStep(text: string, reader: Reader): Step {
  if (text === "*") return { is: "wildcard" };
  if (text.startsWith("?(") && text.endsWith(")")) return { is: "filter", test: readFilter(text.slice(2, -1), reader) };
  const quoted = /^'(.*)'$|^"(.*)"$/s.exec(text);
  if (quoted !== null) return keyStep(quoted[1] ?? quoted[2] ?? "");
  const slice = SLICE.exec(text);
  if (slice === null || text === "" || text === "-")
    throw reader.refuse(`[${text}] is no index, slice, name or filter`);
  const [, first = "", second, third] = slice;
  if (second === undefined) return { is: "index", at: Number(first) };
  return { is: "slice", from: numberIn(first), to: numberIn(second), step: numberIn(third) };
}

function keyStep(text: string): Step {
  const names = text.split(/(?<!\\)\./).map((part) => part.replace(/\\(.)/g, "$1"));
  const path = names.map((name): Step => (name === "*" ? { is: "wildcard" } : { is: "field", name }));
  return { is: "key", name: text.replace(/\\(.)/g, "$1"), path };
}

function numberIn(text: string | undefined): number | undefined {
  return text === undefined || text === "" || text === "-" ? undefined : Number(text);
}

const COMPARISON = /^(.*?)(==|!=|<=|>=|<|>)(.*)$/s;

function readFilter(text: string, outer: Reader): Filter {
  const compared = COMPARISON.exec(maskQuotes(text));
  if (compared === null) {
    const operand = readOperand(text, outer);
    if (operand.is !== "path") throw outer.refuse(`?(${text}) compares nothing`);
    return { is: "exists", path: operand.path };
  }
  const [, left = "", sign = ""] = compared;
  return {
    is: "compare",
    // The expression has no other signs.
    sign: sign as Sign,
    left: readOperand(text.slice(0, left.length), outer),
    right: readOperand(text.slice(left.length + sign.length), outer),
  };
}

/** The text with what stands in quotes made blank, so that signs in it are not seen; places stay. */
function maskQuotes(text: string): string {
  return text.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/gs, (quoted) => "_".repeat(quoted.length));
}

function readOperand(text: string, outer: Reader): Operand {
  const reader = new Reader(text.trim(), outer.whole);
  if (reader.isQuote()) {
    const value = reader.quoted();
    reader.expectEnd();
    return { is: "literal", value };
  }
  if (/^-?\d+(\.\d+)?$/.test(text.trim())) return { is: "literal", value: Number(text) };
  if (text.trim() === "true" || text.trim() === "false") return { is: "literal", value: text.trim() === "true" };
  if (text.trim() === "") throw outer.refuse("a comparison has no side");
  const path = readPath(reader);
  reader.expectEnd();
  return { is: "path", path };
}

function splitOutsideQuotes(text: string, separator: string): readonly string[] {
  const masked = text.startsWith("?(") ? "_".repeat(text.length) : maskQuotes(text);
  const parts: string[] = [];
  let from = 0;
  for (let at = masked.indexOf(separator); at !== -1; at = masked.indexOf(separator, at + 1)) {
    parts.push(text.slice(from, at));
    from = at + 1;
  }
  return [...parts, text.slice(from)];
}
