import type { PathStep } from "../../../kinds/problem.js";
import { closest } from "../../../kinds/suggest.js";
import { describeNode, plainKind } from "../../../kinds/yaml/tree.js";
import { pairEntry } from "../load/merge.js";
import { asTreeNode, type ComposeNode, type ComposeScalar, type Place } from "../load/node.js";
import type { Teller } from "../load/tell.js";

/** A value and where it stands. */
export interface Located<T> {
  readonly value: T;
  readonly place: Place;
}

/** Where a reader is, and whom it tells. */
export interface Reading {
  readonly tell: Teller;
  readonly path: readonly PathStep[];
}

/** Reads a node as a value; undefined, told, when it is none. */
export type Reader<T> = (node: ComposeNode, reading: Reading) => T | undefined;

/** What a map with these fields gives: every field that is there, with its place. */
export type Fields<F extends Readonly<Record<string, Reader<unknown>>>> = {
  readonly [K in keyof F]?: Located<F[K] extends Reader<infer T> ? T : never>;
};

function refuse(node: ComposeNode, { tell, path }: Reading, want: string): undefined {
  tell.problem(node.place, path, `want ${want}, found ${describeNode(asTreeNode(node))}`);
  return undefined;
}

function within(reading: Reading, step: PathStep): Reading {
  return { ...reading, path: [...reading.path, step] };
}

/** True for what counts as absent: nothing, or null. */
export function isAbsent(node: ComposeNode): boolean {
  return (
    node.is === "scalar" &&
    node.isInterpolated !== true &&
    plainKind({ is: "scalar", at: 0, text: node.text, isPlain: node.isPlain }) === "null"
  );
}

function kindOf({ text, isPlain, isInterpolated }: ComposeScalar): ReturnType<typeof plainKind> {
  return plainKind({ is: "scalar", at: 0, text, isPlain: isPlain && isInterpolated !== true });
}

/** A string; a number or a boolean must be in quotes. */
export const text: Reader<string> = (node, reading) => {
  if (node.is !== "scalar") return refuse(node, reading, "a string");
  return kindOf(node) === "string" ? node.text : refuse(node, reading, "a string; put it in quotes");
};

/** A string, or a number or boolean as it is written. */
export const word: Reader<string> = (node, reading) =>
  node.is === "scalar" ? node.text : refuse(node, reading, "a string");

/** true or false, also as the text that a variable brought. */
export const flag: Reader<boolean> = (node, reading) => {
  if (node.is !== "scalar") return refuse(node, reading, "true or false");
  const lower = node.text.toLowerCase();
  if (["true", "yes", "on", "y"].includes(lower)) return true;
  return ["false", "no", "off", "n"].includes(lower) ? false : refuse(node, reading, "true or false");
};

/** A whole number, also in quotes. */
export const whole: Reader<number> = (node, reading) =>
  node.is === "scalar" && /^[-+]?\d+$/.test(node.text) ? Number(node.text) : refuse(node, reading, "a whole number");

/** A number, also in quotes. */
export const decimal: Reader<number> = (node, reading) =>
  node.is === "scalar" && /^[-+]?(\d+\.?\d*|\.\d+)$/.test(node.text)
    ? Number(node.text)
    : refuse(node, reading, "a number");

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kb: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
  t: 1024 ** 4,
  tb: 1024 ** 4,
};

/** Bytes: a number, or one with b, k, m, g or t, of 1024 each. */
export const bytes: Reader<number> = (node, reading) => {
  const match = node.is === "scalar" ? /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(node.text.replace(/i?b$/i, "b")) : null;
  const unit = UNITS[(match?.[2] ?? "?").toLowerCase()];
  if (unit === undefined) return refuse(node, reading, "a size such as 512m or 2gb");
  return Math.round(Number(match?.[1]) * unit);
};

const DURATION_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration such as 1m30s, in milliseconds. */
export const duration: Reader<number> = (node, reading) => {
  if (node.is !== "scalar" || !/^(\d+(\.\d+)?(us|ms|s|m|h|d))+$|^0$/.test(node.text))
    return refuse(node, reading, "a duration such as 30s or 1m30s");
  return [...node.text.matchAll(/([\d.]+)(us|ms|s|m|h|d)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (DURATION_MS[unit ?? ""] ?? 0),
    0,
  );
};

/** One of some words. */
export function oneOf<const W extends string>(words: readonly W[]): Reader<W> {
  return (node, reading) => {
    const found = node.is === "scalar" ? words.find((each) => each === node.text) : undefined;
    return found ?? refuse(node, reading, `one of ${words.join(", ")}`);
  };
}

/** A list, each element with its place. */
export function list<T>(read: Reader<T>): Reader<readonly Located<T>[]> {
  return (node, reading) => {
    if (node.is !== "list") return refuse(node, reading, "a list");
    return node.items.flatMap((item, at) => located(item, item.place, within(reading, at), read));
  };
}

/** A list, or one element alone. */
export function listOrOne<T>(read: Reader<T>): Reader<readonly Located<T>[]> {
  return (node, reading) => (node.is === "list" ? list(read)(node, reading) : located(node, node.place, reading, read));
}

/** A map with free keys, each value with its key's place; what has no value gets `absent`, or is left out. */
export function mapOf<T>(read: Reader<T>, absent?: T): Reader<ReadonlyMap<string, Located<T>>> {
  return (node, reading) => {
    if (node.is !== "map") return refuse(node, reading, "a map");
    const all = new Map<string, Located<T>>();
    for (const { key, place, value } of node.entries) {
      if (isAbsent(value) && absent !== undefined) all.set(key, { value: absent, place });
      if (isAbsent(value)) continue;
      for (const one of located(value, place, within(reading, key), read)) all.set(key, one);
    }
    return all;
  };
}

/** `NAME=value` elements or a map of scalars; undefined stands for a name without a value. */
export const pairs: Reader<ReadonlyMap<string, Located<string | undefined>>> = (node, reading) => {
  const all = new Map<string, Located<string | undefined>>();
  if (node.is === "scalar") return refuse(node, reading, "a map, or a list of NAME=value");
  const entries =
    node.is === "map" ? node.entries : node.items.flatMap((item) => (item.is === "scalar" ? [pairEntry(item)] : []));
  if (node.is === "list" && entries.length < node.items.length) return refuse(node, reading, "a list of NAME=value");
  for (const { key, place, value } of entries) {
    if (value.is !== "scalar") refuse(value, within(reading, key), "a string or a number");
    else all.set(key, { value: isAbsent(value) ? undefined : value.text, place });
  }
  return all;
};

/** A map with exactly these fields; an unknown one is told, `x-` is anybody's. */
export function fields<const F extends Readonly<Record<string, Reader<unknown>>>>(shape: F): Reader<Fields<F>> {
  return (node, reading) => {
    if (node.is !== "map") return refuse(node, reading, "a map");
    const result: Record<string, Located<unknown>> = {};
    for (const { key, place, value } of node.entries) {
      if (key.startsWith("x-")) continue;
      const read = Object.hasOwn(shape, key) ? shape[key] : undefined;
      if (read === undefined) unknownKey(key, Object.keys(shape), place, within(reading, key));
      else if (!isAbsent(value)) for (const one of located(value, place, within(reading, key), read)) result[key] = one;
    }
    // Each field was read by the reader of its name.
    return result as Fields<F>;
  };
}

function unknownKey(key: string, known: readonly string[], place: Place, { tell, path }: Reading): void {
  const near = closest(key, known);
  const hint = near === undefined ? "" : `, did you mean ${JSON.stringify(near)}?`;
  tell.problem(place, path, `unknown field ${JSON.stringify(key)}${hint}`, "unknown_field");
}

function located<T>(node: ComposeNode, place: Place, reading: Reading, read: Reader<T>): readonly Located<T>[] {
  const value = read(node, reading);
  return value === undefined ? [] : [{ value, place }];
}

/** Either form, by whether the node is a scalar, a list or a map. */
export function byForm<T>(forms: {
  readonly scalar?: Reader<T>;
  readonly list?: Reader<T>;
  readonly map?: Reader<T>;
}): Reader<T> {
  return (node, reading) => {
    const read = forms[node.is];
    return read === undefined ? refuse(node, reading, Object.keys(forms).join(" or ")) : read(node, reading);
  };
}

/** What is taken without being looked at: it has no effect here, and is named to the user. */
export const anything: Reader<true> = () => true;

/** What a value turned out to be, or a sentence on what is wrong with it. */
export type Turned<T> =
  | { readonly value: T; readonly wrong?: undefined }
  | { readonly wrong: string; readonly value?: undefined };

/** A value read by one reader, turned by a function that may refuse it with a sentence. */
export function turned<A, B>(read: Reader<A>, turn: (value: A) => Turned<B>): Reader<B> {
  return (node, reading) => {
    const value = read(node, reading);
    if (value === undefined) return undefined;
    const result = turn(value);
    if (result.wrong === undefined) return result.value;
    reading.tell.problem(node.place, reading.path, result.wrong);
    return undefined;
  };
}
