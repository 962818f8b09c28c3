import { closest } from "../kinds/suggest.js";
import { type Flag, type Flags, type FlagValues, flagName } from "./flags.js";
import { NOT_OFFERED, WITHOUT_EFFECT } from "./kubectl-flags.js";
import { type Call, usageError } from "./verb.js";

/**
 * Reads a verb's arguments as kubectl would: flags anywhere before `--`, `-n x`, `-nx`, `-it`, `--name=x`. Where a command follows the first operand, as in docker's
 * exec and run, everything after that is the command's. Throws usage errors; for a flag of other tools that has something else in its place, what that is.
 */
export function parse<F extends Flags>(
  args: readonly string[],
  flags: F,
  isCommandLast = false,
  instead: Readonly<Record<string, string>> = {},
): Call<F> {
  const values = new Map<string, unknown>(Object.entries(flags).map(([key, flag]) => [key, absent(flag)]));
  const operands: string[] = [];
  const end = isCommandLast ? -1 : args.indexOf("--");
  const queue = [...(end === -1 ? args : args.slice(0, end))];
  let rest: readonly string[] | undefined = end === -1 ? undefined : args.slice(end + 1);
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    if (arg.startsWith("--") && arg !== "--") readLong(arg.slice(2), { flags, instead }, values, queue);
    else if (arg.startsWith("-") && arg !== "-" && arg !== "--") readShort(arg.slice(1), flags, values, queue);
    else if (arg !== "--") operands.push(arg);
    if (isCommandLast && operands.length > 0) rest = commandIn(queue.splice(0));
  }
  // Each value was read as its flag's type says.
  return { flags: Object.fromEntries(values) as FlagValues<F>, operands, rest };
}

/** The words of a command that follows an operand; a -- between them is of no use, but harmless. */
function commandIn(words: readonly string[]): readonly string[] {
  return words[0] === "--" ? words.slice(1) : words;
}

type Values = Map<string, unknown>;

function absent(flag: Flag): unknown {
  if (flag.type === "switch") return flag.default ?? false;
  return flag.type === "list" ? [] : undefined;
}

interface Known {
  readonly flags: Flags;
  readonly instead: Readonly<Record<string, string>>;
}

function readLong(text: string, { flags, instead }: Known, values: Values, queue: string[]): void {
  const equals = text.indexOf("=");
  const name = equals === -1 ? text : text.slice(0, equals);
  const found = Object.entries(flags).find(([key, { also = [] }]) => flagName(key) === name || also.includes(name));
  if (found === undefined) {
    const why = ownEntry(instead, name) ?? ownEntry(NOT_OFFERED, name);
    if (why !== undefined) throw usageError(`--${name} is not offered: ${why}`);
    const form = ownEntry(WITHOUT_EFFECT, name);
    if (form === undefined) throw unknownFlag(name, flags);
    if (form === "value" && equals === -1) queue.shift();
    return;
  }
  const [key, flag] = found;
  const given = equals === -1 ? undefined : text.slice(equals + 1);
  set(key, flag, given ?? valueFor(flag, `--${name}`, queue), values, `--${name}`);
}

function ownEntry<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** A group of letters: switches, and at most one flag with a value, which takes the rest of the group. */
function readShort(text: string, flags: Flags, values: Values, queue: string[]): void {
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? "";
    const found = Object.entries(flags).find(([, flag]) => flag.short === letter);
    if (found === undefined) throw usageError(`unknown flag -${letter} in -${text}`);
    const [key, flag] = found;
    const rest = text.slice(at + 1);
    if (flag.type === "switch" && !rest.startsWith("=")) {
      values.set(key, true);
      continue;
    }
    const given = rest === "" ? valueFor(flag, `-${letter}`, queue) : rest.replace(/^=/, "");
    set(key, flag, given, values, `-${letter}`);
    return;
  }
}

function valueFor(flag: Flag, shown: string, queue: string[]): string {
  if (flag.type === "switch") return "true";
  if (flag.type === "text" && flag.bare !== undefined) return flag.bare;
  const isAlone = queue[0] === undefined || queue[0].startsWith("-");
  if (flag.type === "list" && flag.bare !== undefined && isAlone) return flag.bare;
  const next = queue.shift();
  if (next === undefined) throw usageError(`${shown} needs a value: ${shown} ${flag.value}`);
  return next;
}

function set(key: string, flag: Flag, text: string, values: Values, shown: string): void {
  const held = values.get(key);
  values.set(key, flag.type === "list" ? [...(Array.isArray(held) ? held : []), text] : read(flag, text, shown));
}

function read(flag: Exclude<Flag, { type: "list" }>, text: string, shown: string): unknown {
  switch (flag.type) {
    case "switch":
      if (text === "true" || text === "false") return text === "true";
      throw usageError(`${shown} is true or false, not "${text}"`);
    case "text":
      if (flag.choices === undefined || flag.choices.includes(text)) return text;
      throw usageError(`${shown} is one of ${flag.choices.join(", ")}, not "${text}"`);
    case "number":
      if (/^-?\d{1,15}$/.test(text) && Number(text) >= (flag.min ?? Number.MIN_SAFE_INTEGER)) return Number(text);
      throw usageError(`${shown} is a whole number${flag.min === undefined ? "" : ` from ${flag.min}`}, not "${text}"`);
    case "duration":
      return readDuration(text, shown);
  }
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time span such as 30s, 5m or 1h30m in milliseconds; a bare number counts seconds. Throws usage errors that name the flag. */
export function readDuration(text: string, shown: string): number {
  if (/^-?\d+$/.test(text)) return Number(text) * 1_000;
  if (!/^-?(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text))
    throw usageError(`${shown} is a time span such as 30s, 5m or 1h30m, not "${text}"`);
  let sumMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    sumMs += Number(count) * (UNITS_MS[unit ?? ""] ?? 0);
  return text.startsWith("-") ? -sumMs : sumMs;
}

function unknownFlag(name: string, flags: Flags): Error {
  const near = closest(name, Object.keys(flags).map(flagName));
  return usageError(`unknown flag --${name}${near === undefined ? "" : `, did you mean --${near}?`}`);
}
