import { cells, headings } from "../kinds/columns/columns.js";
import { type Json, type JsonObject, toJson } from "../kinds/encode.js";
import { metaOf, type Typed } from "../kinds/object.js";
import { KINDS, type KindName } from "../kinds/registry.js";
import { printYaml } from "../kinds/yaml/print.js";
import type { Flags } from "./flags.js";
import { safeText } from "./safe-text.js";
import { formatTable } from "./table.js";
import { refText } from "./targets.js";

/** How objects are printed. */
export type Format = "table" | "wide" | "yaml" | "json" | "name";

/** Flags that say how objects are printed. */
export const OUTPUT_FLAGS = {
  output: {
    type: "text",
    short: "o",
    value: "FORMAT",
    choices: ["wide", "yaml", "json", "name"],
    summary: "print the objects in this format",
  },
} as const satisfies Flags;

/** Flags that shape tables. */
export const TABLE_FLAGS = {
  noHeaders: { type: "switch", summary: "print tables without headings" },
  showLabels: { type: "switch", summary: "add a column of labels" },
} as const satisfies Flags;

/** The same for verbs that print no tables. */
export const OBJECT_OUTPUT_FLAGS = {
  output: {
    type: "text",
    short: "o",
    value: "FORMAT",
    choices: ["yaml", "json", "name"],
    summary: "print the objects in this format",
  },
} as const satisfies Flags;

/** The format that `-o` names. */
export function formatOf(output: string | undefined): Format {
  return output === "wide" || output === "yaml" || output === "json" || output === "name" ? output : "table";
}

/** What a table shows beside its kind's columns. */
export interface TableShape {
  readonly isWide: boolean;
  readonly nowMs: number;
  readonly withNamespace: boolean;
  /** Put the type before each name, as when several are shown. */
  readonly withType: boolean;
  /** Labels that have a column each. */
  readonly labelColumns?: readonly string[];
  readonly withLabels: boolean;
  readonly withHeadings: boolean;
}

/** A table of objects of one kind. */
export function printTable(kind: KindName, objects: readonly Typed[], shape: TableShape): string {
  const rows = objects.map((typed) => tableRow(typed, shape));
  return formatTable(shape.withHeadings ? [tableHeadings(kind, shape), ...rows] : rows);
}

/** The headings of a table. */
export function tableHeadings(kind: KindName, shape: TableShape): readonly string[] {
  const own = headings(kind, shape.isWide);
  const named = hasNamespaces(kind, shape) ? ["NAMESPACE", ...own] : own;
  // kubectl heads such a column with what follows the label's slash.
  const labels = (shape.labelColumns ?? []).map((label) => label.slice(label.lastIndexOf("/") + 1).toUpperCase());
  return [...named, ...labels, ...(shape.withLabels ? ["LABELS"] : [])];
}

/** An object's row. */
export function tableRow(typed: Typed, shape: TableShape): readonly string[] {
  const own = cells(typed, shape);
  const meta = metaOf(typed.object);
  const typedOwn = shape.withType && typed.kind !== "Event" ? [refText(typed.kind, meta.name), ...own.slice(1)] : own;
  const named = hasNamespaces(typed.kind, shape) ? [meta.namespace, ...typedOwn] : typedOwn;
  const labels = (shape.labelColumns ?? []).map((label) => meta.labels[label] ?? "");
  const whole = [...named, ...labels, ...(shape.withLabels ? [labelsCell(meta.labels)] : [])];
  return whole.map((cell) => safeText(cell.replace(/[\n\t]+/g, " ")));
}

/** What is printed whole: an object, or what has the form of one and is none. */
export interface Whole {
  readonly value: JsonObject;
  /** How results name it. */
  readonly ref: string;
}

/** An object as it is printed. */
export function wholeObject(typed: Typed): Whole {
  return { value: toJson(typed), ref: refText(typed.kind, metaOf(typed.object).name) };
}

/** Objects as YAML, JSON or names; one object stands alone, several are a List. */
export function printObjects(objects: readonly Typed[], format: "yaml" | "json" | "name", isList: boolean): string {
  return printWhole(objects.map(wholeObject), format, isList);
}

/** The same of what has the form of objects. */
export function printWhole(all: readonly Whole[], format: "yaml" | "json" | "name", isList: boolean): string {
  if (format === "name") return all.map(({ ref }) => `${ref}\n`).join("");
  const values = all.map(({ value }) => value);
  const [only] = values;
  const whole: Json = isList || only === undefined ? { apiVersion: "v1", kind: "List", items: values } : only;
  return format === "yaml" ? printYaml(whole) : `${JSON.stringify(whole, null, 4)}\n`;
}

function hasNamespaces(kind: KindName, shape: TableShape): boolean {
  return shape.withNamespace && KINDS[kind].isNamespaced;
}

function labelsCell(labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return texts.length === 0 ? "<none>" : texts.sort().join(",");
}
