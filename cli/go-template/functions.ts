import type { Json } from "../../kinds/encode.js";
import { usageError } from "../verb.js";

type Call = (args: readonly Json[]) => Json;

/** The functions that a template can call: Go's own, those of docker and those of kubectl. */
export const FUNCTIONS: Readonly<Record<string, Call>> = {
  json: ([value = null]) => JSON.stringify(value),
  js: ([value = null]) => JSON.stringify(value),
  join: ([list, by]) => listOf(list).map(shown).join(textOf(by)),
  split: ([text, by]) => textOf(text).split(textOf(by)),
  upper: ([text]) => textOf(text).toUpperCase(),
  lower: ([text]) => textOf(text).toLowerCase(),
  title: ([text]) =>
    textOf(text).replace(/(^|\s)(\S)/g, (_, space: string, letter: string) => space + letter.toUpperCase()),
  pad: ([text, before, after]) => " ".repeat(countOf(before)) + textOf(text) + " ".repeat(countOf(after)),
  truncate: ([text, most]) => textOf(text).slice(0, countOf(most)),
  len: ([value]) => (typeof value === "string" ? value.length : Object.keys(value ?? {}).length),
  index: ([value = null, ...keys]) => keys.reduce(elementAt, value),
  slice: ([value = null, from = 0, to]) => {
    const end = to === undefined ? undefined : countOf(to);
    return typeof value === "string" ? value.slice(countOf(from), end) : listOf(value).slice(countOf(from), end);
  },
  base64decode: ([text]) => Buffer.from(textOf(text), "base64").toString("utf8"),
  exists: ([value = null, ...keys]) => isTrue(keys.reduce(elementAt, value)),
  html: ([text]) => textOf(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`),
  urlquery: ([text]) => encodeURIComponent(textOf(text)).replaceAll("%20", "+"),
  print: (args) => args.map(shown).join(""),
  println: (args) => `${args.map(shown).join(" ")}\n`,
  printf: ([form = "", ...values]) => formatted(textOf(form), values),
  not: ([value = null]) => !isTrue(value),
  and: (args) => args.find((value) => !isTrue(value)) ?? args.at(-1) ?? null,
  or: (args) => args.find(isTrue) ?? args.at(-1) ?? null,
  eq: ([left = null, ...others]) => others.some((right) => shown(left) === shown(right)),
  ne: ([left = null, right = null]) => shown(left) !== shown(right),
  lt: ([left, right]) => compared(left, right) < 0,
  le: ([left, right]) => compared(left, right) <= 0,
  gt: ([left, right]) => compared(left, right) > 0,
  ge: ([left, right]) => compared(left, right) >= 0,
};

/** Go's idea of truth: nothing, zero and what is empty are false. */
export function isTrue(value: Json): boolean {
  if (value === null || value === false || value === 0 || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** A value as Go prints it. */
export function shown(value: Json | undefined): string {
  if (value === undefined || value === null) return "<no value>";
  if (Array.isArray(value)) return `[${value.map(shown).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([key, each]) => `${key}:${shown(each)}`).join(" ")}]`;
}

function elementAt(value: Json, key: Json): Json {
  if (Array.isArray(value)) {
    const at = typeof key === "number" ? key : Number.NaN;
    const found = value[at];
    if (found === undefined)
      throw usageError(`template: index ${shown(key)} is out of range: there are ${value.length}`);
    return found;
  }
  if (typeof value === "string") return value.charCodeAt(countOf(key));
  return value === null || typeof value !== "object"
    ? null
    : (Object.entries(value).find(([name]) => name === key)?.[1] ?? null);
}

function compared(left: Json | undefined, right: Json | undefined): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  return textOf(left) < textOf(right) ? -1 : textOf(left) > textOf(right) ? 1 : 0;
}

function formatted(form: string, values: readonly Json[]): string {
  let at = 0;
  return form.replace(
    /%(-?)(\d*)(?:\.(\d+))?([a-zA-Z%])/g,
    (_, left: string, width: string, digits: string | undefined, verb: string) => {
      if (verb === "%") return "%";
      const text = oneOf(verb, values[at], digits);
      at += 1;
      return left === "-" ? text.padEnd(Number(width)) : text.padStart(Number(width));
    },
  );
}

function oneOf(verb: string, value: Json | undefined, digits: string | undefined): string {
  if (verb === "q") return JSON.stringify(shown(value));
  if (verb === "x") return Number(value).toString(16);
  if (verb === "f") return Number(value).toFixed(digits === undefined ? 6 : Number(digits));
  if (digits !== undefined) return shown(value).slice(0, Number(digits));
  return shown(value);
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : shown(value);
}

function listOf(value: Json | undefined): readonly Json[] {
  if (Array.isArray(value)) return value;
  throw usageError(`template: ${shown(value)} is not a list`);
}

function countOf(value: Json | undefined): number {
  return typeof value === "number" ? value : Number(textOf(value));
}
