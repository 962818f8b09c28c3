import { interpolate, type Variables } from "./interpolate.js";

/** The variables of a file in the form of `.env`, or the first mistake with the offset of its line. */
export type Dotenv =
  | { readonly is: "variables"; readonly all: ReadonlyMap<string, string> }
  | { readonly is: "wrong"; readonly at: number; readonly why: string };

const KEY = /^[ \t]*(?:export[ \t]+)?([A-Za-z_.][A-Za-z0-9_.-]*)[ \t]*(?:(=|:)[ \t]*)?/;

/**
 * Reads `NAME=value` lines: comments, `export`, single quotes (as they are), double quotes (escapes and variables, over several lines), and
 * plain values with variables. A name without a value takes the one in `around`, or none. Variables see `around` first, then the lines before.
 */
export function readDotenv(text: string, around: Variables): Dotenv {
  const all = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const lineEnd = endOfLine(text, at);
    const line = text.slice(at, lineEnd);
    if (/^\s*(#.*)?$/.test(line)) {
      at = lineEnd + 1;
      continue;
    }
    const match = KEY.exec(line);
    if (match?.[1] === undefined)
      return { is: "wrong", at, why: `want NAME=value, found ${JSON.stringify(line.slice(0, 40))}` };
    const [whole, key, sign] = match;
    if (sign === undefined) {
      if (line.slice(whole.length).trim() !== "") return { is: "wrong", at, why: `want = after ${key}` };
      const value = around.get(key);
      if (value !== undefined) all.set(key, value);
      at = lineEnd + 1;
      continue;
    }
    const read = readValue(text, at + whole.length, new Map([...all, ...around]));
    if (read.is === "wrong") return { is: "wrong", at, why: `${key}: ${read.why}` };
    all.set(key, read.value);
    at = read.end;
  }
  return { is: "variables", all };
}

/** `NAME=value` lines taken as they are: no quotes, no variables, as `docker run --env-file` reads them. */
export function readRawEnv(text: string, around: Variables): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const sign = line.indexOf("=");
    const key = (sign === -1 ? line : line.slice(0, sign)).trim();
    const value = sign === -1 ? around.get(key) : line.slice(sign + 1);
    if (value !== undefined) all.set(key, value);
  }
  return all;
}

type Value =
  | { readonly is: "value"; readonly value: string; readonly end: number }
  | { readonly is: "wrong"; readonly why: string };

function readValue(text: string, start: number, variables: Variables): Value {
  const quote = text[start];
  if (quote === "'" || quote === '"') return readQuoted(text, start, quote, variables);
  const end = endOfLine(text, start);
  const plain = text.slice(start, end).replace(/(^|[ \t])#.*$/, "");
  const result = interpolate(plain.trim(), variables);
  return result.is === "wrong" ? result : { is: "value", value: result.text, end: end + 1 };
}

function readQuoted(text: string, start: number, quote: string, variables: Variables): Value {
  let at = start + 1;
  while (at < text.length && text[at] !== quote) at += text[at] === "\\" && quote === '"' ? 2 : 1;
  if (at >= text.length) return { is: "wrong", why: "the quote is not closed" };
  const inside = text.slice(start + 1, at);
  const lineEnd = endOfLine(text, at);
  const rest = text.slice(at + 1, lineEnd).trim();
  if (rest !== "" && !rest.startsWith("#"))
    return { is: "wrong", why: `nothing may follow the closing quote, found ${rest}` };
  if (quote === "'") return { is: "value", value: inside, end: lineEnd + 1 };
  // An escaped dollar stands for itself, so it is doubled before variables are put in.
  const unescaped = inside.replace(/\\([\s\S])/g, (_, char: string) =>
    char === "$" ? "$$" : (ESCAPES[char] ?? `\\${char}`),
  );
  const result = interpolate(unescaped, variables);
  return result.is === "wrong" ? result : { is: "value", value: result.text, end: lineEnd + 1 };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };

function endOfLine(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end === -1 ? text.length : end;
}
