import { splitApiVersion } from "../../kinds/lookup.js";
import { apiVersionOf, KINDS, type KindName } from "../../kinds/registry.js";
import { type FieldSchema, messageSchema } from "../../kinds/schema.js";
import { closest } from "../../kinds/suggest.js";
import { TallshipError } from "../../lib/errors.js";
import { EXIT } from "../exit-codes.js";
import type { Shell } from "../shell.js";
import { kindOf } from "../targets.js";
import { usageError } from "../verb.js";
import { fieldDoc, messageDoc } from "./docs.js";

/** What `explain` was asked. */
export interface ExplainFlags {
  readonly recursive: boolean;
  readonly apiVersion: string | undefined;
}

/** Tells what a kind or a field of it means, out of the schema's own comments. */
export async function runExplain(
  { flags, operands }: { readonly flags: ExplainFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [operand, ...others] = operands;
  if (operand === undefined || others.length > 0) throw usageError("name one kind or field: TYPE[.FIELD…]");
  const { kind, fields } = splitOperand(operand);
  const { group, version } = splitApiVersion(flags.apiVersion ?? apiVersionOf(kind));
  if (group !== KINDS[kind].group || !KINDS[kind].versions.includes(version))
    throw new TallshipError("not_found", `${KINDS[kind].plural} are of ${apiVersionOf(kind)}, not ${flags.apiVersion}`);
  const found = findField(kind, fields);
  const lines = [...headLines(kind), "", ...(found.field === undefined ? [] : [...fieldLines(found), ""])];
  lines.push("DESCRIPTION:", ...indented(descriptionOf(kind, found), "    "), "");
  if (found.messageName !== "" && !SCALAR_MESSAGES.has(found.messageName)) {
    lines.push("FIELDS:");
    lines.push(
      ...(flags.recursive
        ? treeLines(found.messageName, { indent: "  ", above: [], isTop: found.field === undefined })
        : listLines(found.messageName, found.field === undefined)),
    );
  }
  await shell.stdout.write(`${lines.join("\n").trimEnd()}\n`);
  return EXIT.ok;
}

/** Messages that stand for one plain value in files. */
const SCALAR_MESSAGES: ReadonlySet<string> = new Set(["IntOrString"]);

/** A type may have dots itself: deployments.apps.spec names the kind by its group. */
function splitOperand(operand: string): { readonly kind: KindName; readonly fields: readonly string[] } {
  const [first = "", ...rest] = operand.split(".");
  const grouped = Object.values(KINDS).find(
    ({ group, plural, kind }) =>
      group !== "" &&
      [plural, kind.toLowerCase()].some((word) => `${operand.toLowerCase()}.`.startsWith(`${word}.${group}.`)),
  );
  if (grouped !== undefined) return { kind: grouped.kind, fields: rest.slice(grouped.group.split(".").length) };
  return { kind: kindOf(first), fields: rest };
}

interface Found {
  /** Undefined: the kind itself. */
  readonly field: FieldSchema | undefined;
  /** The message that holds the field. */
  readonly owner: string;
  /** The message that the field holds; empty for plain values. */
  readonly messageName: string;
}

function findField(kind: KindName, names: readonly string[]): Found {
  let found: Found = { field: undefined, owner: kind, messageName: kind };
  for (const name of names) {
    const field =
      found.messageName === "" ? undefined : shownFields(found.messageName).find((each) => each.name === name);
    if (field === undefined) throw noField(kind, names, name, found);
    found = { field, owner: found.messageName, messageName: field.type === "message" ? field.messageName : "" };
  }
  return found;
}

function noField(kind: KindName, names: readonly string[], name: string, { messageName }: Found): TallshipError {
  const known = messageName === "" ? [] : shownFields(messageName).map((field) => field.name);
  const near = closest(name, known);
  const hint = near === undefined ? "" : `, did you mean "${near}"?`;
  return new TallshipError("not_found", `${kind} has no field ${names.join(".")}: there is no "${name}"${hint}`);
}

/** What only the server keeps is not explained. */
function shownFields(messageName: string): readonly FieldSchema[] {
  return messageSchema(messageName).fields.filter(({ name }) => name !== "applied");
}

function headLines(kind: KindName): readonly string[] {
  const { group, version } = splitApiVersion(apiVersionOf(kind));
  return [...(group === "" ? [] : [`GROUP:      ${group}`]), `KIND:       ${kind}`, `VERSION:    ${version}`];
}

function fieldLines({ field }: Found): readonly string[] {
  return field === undefined ? [] : [`FIELD: ${fieldHead(field, " ")}`];
}

function descriptionOf(kind: KindName, { field, owner, messageName }: Found): readonly string[] {
  if (field === undefined) return [messageDoc(kind)];
  const own = fieldDoc(owner, field.name);
  const of = messageName === "" ? "" : messageDoc(messageName);
  return [own, of === own ? "" : of, ...ruleTexts(field)].filter((text) => text !== "");
}

/** What a value must satisfy, in words. */
function ruleTexts({ rule }: FieldSchema): readonly string[] {
  const texts: string[] = [];
  if (rule.allowed !== undefined) texts.push(`Possible values: ${[...rule.allowed].join(", ")}.`);
  if (rule.default !== undefined) texts.push(`Default: ${rule.default === "" ? '""' : rule.default}.`);
  if (rule.min !== undefined) texts.push(`Smallest: ${rule.min}.`);
  if (rule.max !== undefined) texts.push(`Largest: ${rule.max}.`);
  if (rule.isImmutable) texts.push("Cannot be changed once the object exists.");
  if (rule.notEnforced !== "") texts.push(`Accepted, not enforced: ${rule.notEnforced}.`);
  return texts;
}

/** Name, type and whether it must be there, as kubectl writes them. */
function fieldHead(field: FieldSchema, gap: string): string {
  return `${field.name}${gap}<${typeText(field)}>${field.rule.isRequired ? " -required-" : ""}`;
}

const SCALAR_NAMES: Readonly<Record<string, string>> = {
  bool: "boolean",
  bytes: "string",
  string: "string",
  double: "number",
};

function typeText(field: FieldSchema): string {
  const one = field.type === "message" ? field.messageName : (SCALAR_NAMES[field.type] ?? "integer");
  if (field.shape === "list") return `[]${one}`;
  return field.shape === "map" ? `map[string]${one}` : one;
}

/** The two fields that every file begins with and no message has. */
const TYPE_FIELDS: readonly (readonly [name: string, doc: string])[] = [
  ["apiVersion", "Group and version of the kind."],
  ["kind", "Name of the kind."],
];

function listLines(messageName: string, isTop: boolean): readonly string[] {
  const lines = (isTop ? TYPE_FIELDS : []).flatMap(([name, doc]) => [
    `  ${name}\t<string>`,
    ...indented([doc], "    "),
    "",
  ]);
  for (const field of shownFields(messageName))
    lines.push(`  ${fieldHead(field, "\t")}`, ...indented([shortDoc(messageName, field)], "    "), "");
  return lines;
}

/** A field without a comment of its own is told by what it holds. */
function shortDoc(messageName: string, field: FieldSchema): string {
  return fieldDoc(messageName, field.name) || (field.type === "message" ? messageDoc(field.messageName) : "");
}

/** All fields below, without their texts; a message within itself is not opened again. */
function treeLines(
  messageName: string,
  { indent, above, isTop }: { readonly indent: string; readonly above: readonly string[]; readonly isTop: boolean },
): readonly string[] {
  const lines = (isTop ? TYPE_FIELDS : []).map(([name]) => `${indent}${name}\t<string>`);
  for (const field of shownFields(messageName)) {
    lines.push(`${indent}${fieldHead(field, "\t")}`);
    const isOpened =
      field.type === "message" && !SCALAR_MESSAGES.has(field.messageName) && !above.includes(field.messageName);
    if (isOpened)
      lines.push(
        ...treeLines(field.messageName, { indent: `${indent}  `, above: [...above, messageName], isTop: false }),
      );
  }
  return lines;
}

const WIDTH = 80;

/** Paragraphs broken into lines that fit, each behind an indent. */
function indented(texts: readonly string[], indent: string): readonly string[] {
  return texts.flatMap((text) => {
    const lines: string[] = [];
    let line = "";
    for (const word of text.split(/\s+/)) {
      if (line !== "" && indent.length + line.length + 1 + word.length > WIDTH) {
        lines.push(`${indent}${line}`);
        line = "";
      }
      line += line === "" ? word : ` ${word}`;
    }
    return line === "" ? lines : [...lines, `${indent}${line}`];
  });
}
