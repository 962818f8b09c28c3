import type { Json } from "../../kinds/encode.js";
import type { Typed } from "../../kinds/object.js";
import { closest } from "../../kinds/suggest.js";
import type { Flags } from "../flags.js";
import { printWhole, type Whole, wholeObject } from "../print.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";

/** Prints objects whole, or what was asked of them; several, or what may be several, as a List. */
export type Printer = (objects: readonly Typed[], isList: boolean) => string;

/** The same for what has the form of objects. */
export type WholePrinter = (all: readonly Whole[], isList: boolean) => string;

/** How printers are asked for. */
interface PrinterTerms {
  readonly withHeadings: boolean;
}

const WHOLE = ["yaml", "json", "name"] as const;
/** Formats that take what they print after "=", or from a file. */
const TEMPLATES = [
  "jsonpath",
  "jsonpath-file",
  "jsonpath-as-json",
  "custom-columns",
  "custom-columns-file",
  "go-template",
  "go-template-file",
] as const;

/** Flags that say how objects are printed. */
export const PRINT_FLAGS = {
  output: {
    type: "text",
    short: "o",
    value: "FORMAT",
    offers: ["wide", ...WHOLE, ...TEMPLATES.map((name) => `${name}=`)],
    summary: "print the objects in this format",
  },
} as const satisfies Flags;

/** The same for verbs that print no tables. */
export const WRITTEN_FLAGS = {
  output: {
    ...PRINT_FLAGS.output,
    offers: [...WHOLE, ...TEMPLATES.map((name) => `${name}=`)],
    summary: "print the objects as they are afterwards in this format",
  },
} as const satisfies Flags;

/**
 * The printer that `-o` names; undefined when tables or results were asked for. Throws a usage error for a format that does not exist. The
 * templates' code is loaded only when one is used.
 */
export async function printerOf(
  shell: Shell,
  output: string | undefined,
  terms: PrinterTerms = { withHeadings: true },
): Promise<Printer | undefined> {
  const print = await wholePrinterOf(shell, output, terms);
  return print === undefined ? undefined : (objects, isList) => print(objects.map(wholeObject), isList);
}

/** The same for what has the form of objects. */
export async function wholePrinterOf(
  shell: Shell,
  output: string | undefined,
  { withHeadings }: PrinterTerms,
): Promise<WholePrinter | undefined> {
  if (output === undefined || output === "wide" || output === "") return undefined;
  const whole = WHOLE.find((name) => name === output);
  if (whole !== undefined) return (all, isList) => printWhole(all, whole, isList);
  const equals = output.indexOf("=");
  const name = equals === -1 ? output : output.slice(0, equals);
  const given = equals === -1 ? undefined : output.slice(equals + 1);
  const template = TEMPLATES.find((each) => each === name);
  if (template === undefined) throw unknownFormat(name);
  if (given === undefined || given === "") throw usageError(`-o ${name} needs a value: -o ${name}=…`);
  const text = template.endsWith("-file") ? await shell.files.read(given) : given;
  if (template.startsWith("go-template")) return goTemplatePrinter(text);
  if (template === "jsonpath-as-json") return jsonpathValues(text);
  return template.startsWith("jsonpath") ? jsonpathPrinter(text) : columnsPrinter(text, template, withHeadings);
}

/** The format that -o and kubectl's --template name together: alone a template is one of Go's. */
export function outputOf({
  output,
  template,
}: {
  readonly output: string | undefined;
  readonly template: string | undefined;
}): string | undefined {
  if (template === undefined) return output;
  const format =
    output === undefined || output === "template"
      ? "go-template"
      : output.replace(/^templatefile$/, "go-template-file");
  if (format.includes("=") || !TEMPLATES.some((name) => name === format))
    throw usageError(`--template goes with -o go-template, jsonpath or custom-columns, not "${output}"`);
  return `${format}=${template}`;
}

async function goTemplatePrinter(text: string): Promise<WholePrinter> {
  const { renderTemplate } = await import("../go-template/evaluate.js");
  return (all, isList) => renderTemplate(text, listOf(all, isList), { isLenient: true });
}

async function jsonpathPrinter(text: string): Promise<WholePrinter> {
  const { parsePath, parseTemplate } = await import("../jsonpath/parse.js");
  const { follow, renderTemplate, valueText } = await import("../jsonpath/evaluate.js");
  // Without a brace the whole text would be printed as it is, which nobody means.
  const isPath = !text.includes("{");
  const path = isPath ? parsePath(text) : [];
  const parts = isPath ? [] : parseTemplate(text);
  return (all, isList) => {
    const value = listOf(all, isList);
    return isPath ? follow(path, value).map(valueText).join(" ") : renderTemplate(parts, value);
  };
}

/** The values that a path leads to, as one JSON list. */
async function jsonpathValues(text: string): Promise<WholePrinter> {
  const { parsePath } = await import("../jsonpath/parse.js");
  const { follow } = await import("../jsonpath/evaluate.js");
  const path = parsePath(text);
  return (all, isList) => `${JSON.stringify(follow(path, listOf(all, isList)), null, 4)}\n`;
}

async function columnsPrinter(text: string, format: string, withHeadings: boolean): Promise<WholePrinter> {
  const { columnsInFile, columnsInText, printColumns } = await import("./custom-columns.js");
  const columns = format.endsWith("-file") ? columnsInFile(text) : columnsInText(text);
  return (all) =>
    printColumns(
      columns,
      all.map(({ value }) => value),
      withHeadings,
    );
}

/** What a template starts from: the object, or the List of several. */
function listOf(all: readonly Whole[], isList: boolean): Json {
  const values = all.map(({ value }) => value);
  const [only] = values;
  return isList || only === undefined ? { apiVersion: "v1", kind: "List", items: values } : only;
}

function unknownFormat(name: string): Error {
  const known = ["wide", ...WHOLE, ...TEMPLATES];
  const near = closest(name, known);
  return usageError(
    `-o is one of ${known.join(", ")}, not "${name}"${near === undefined ? "" : `; did you mean ${near}?`}`,
  );
}
