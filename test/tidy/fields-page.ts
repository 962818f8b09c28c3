import { fieldDoc, messageDoc } from "../../cli/explain/docs.js";
import { apiVersionOf, isKindName, KINDS } from "../../kinds/registry.js";
import { type FieldRule, type FieldSchema, type MessageSchema, messageSchema } from "../../kinds/schema.js";

/** Kinds that are the cluster's own records: nobody writes them. */
const RECORDS: ReadonlySet<string> = new Set(["Event", "Revision"]);

/** Every kind, by name. */
const KIND_NAMES = Object.keys(KINDS).filter(isKindName).sort();

/** docs/fields.md: every kind and every field, its type, default and rule, and whether it is honoured. */
export function fieldsPage(notice: string): string {
  const parts = messageNames().filter((name) => !isKindName(name));
  return [
    "# Fields",
    "",
    notice,
    "",
    "Every field of every kind, with what fills it when it is absent, what its value must satisfy, and what it does here. A field that has no",
    "effect is named to whoever applies it (`accepted, not enforced: …`) and refused with `--strict`; a field that is not on this page is an error.",
    "",
    `Kinds: ${KIND_NAMES.map((kind) => `[${kind}](#${anchor(kind)})`).join(", ")}.`,
    "",
    ...KIND_NAMES.flatMap((kind) => section(`## ${kind}`, kind, kindLines(kind))),
    "# What the kinds are made of",
    "",
    ...parts.flatMap((name) => section(`## ${name}`, name, [messageDoc(name)])),
  ].join("\n");
}

/** Every message that an object of some kind can hold, kinds included, by name. */
export function messageNames(): readonly string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const field of messageSchema(name).fields) if (field.messageName !== "") visit(field.messageName);
  };
  for (const kind of KIND_NAMES) visit(kind);
  return [...found].sort();
}

function kindLines(kind: (typeof KIND_NAMES)[number]): readonly string[] {
  const { notEnforced } = messageSchema(kind);
  const { plural, shortNames, isNamespaced } = KINDS[kind];
  const names = [plural, ...shortNames].map((name) => `\`${name}\``).join(", ");
  const where = isNamespaced ? "in a namespace" : "of the whole cluster";
  return [
    `\`${apiVersionOf(kind)}\`, ${names}, ${where}. ${messageDoc(kind)}`,
    ...(notEnforced === "" ? [] : ["", `**Accepted, not enforced:** ${notEnforced}.`]),
    ...(RECORDS.has(kind) ? ["", "Written by the cluster alone."] : []),
  ];
}

function section(heading: string, messageName: string, lines: readonly string[]): readonly string[] {
  const schema = messageSchema(messageName);
  const rows = schema.fields.map((field) => row(schema, field));
  const table = ["| field | type | default | rule | honoured | meaning |", "|---|---|---|---|---|---|", ...rows];
  return [heading, "", ...lines, "", ...(rows.length === 0 ? [] : [...table, ""])];
}

function row(schema: MessageSchema, field: FieldSchema): string {
  const { rule } = field;
  const cells = [
    `\`${field.name}\``,
    typeText(field),
    rule.default === undefined ? "" : `\`${rule.default === "" ? '""' : rule.default}\``,
    ruleText(rule),
    honouredText(schema, rule),
    fieldDoc(schema.name, field.name),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

function typeText({ shape, type, messageName }: FieldSchema): string {
  const one = type === "message" ? `[${messageName}](#${anchor(messageName)})` : type;
  if (shape === "list") return `list of ${one}`;
  return shape === "map" ? `map of ${one}` : one;
}

function ruleText(rule: FieldRule): string {
  const parts = [
    rule.isRequired ? "required" : "",
    rule.allowed === undefined ? "" : [...rule.allowed].map((word) => `\`${word}\``).join(", "),
    rangeText(rule),
    rule.format,
    rule.keyFormat === "" ? "" : `keys: ${rule.keyFormat}`,
    rule.maxLength === 0 ? "" : `at most ${rule.maxLength} bytes`,
    rule.maxItems === 0 ? "" : `at most ${rule.maxItems} elements`,
    rule.mergeKey === "" ? "" : `merged by ${rule.mergeKey}`,
    rule.isImmutable ? "immutable" : "",
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function rangeText({ min, max }: FieldRule): string {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `at least ${min}`;
  return max === undefined ? "" : `at most ${max}`;
}

function honouredText({ notEnforced: ofKind }: MessageSchema, { notEnforced, honoured }: FieldRule): string {
  if (notEnforced === "") return ofKind === "" ? "yes" : "no";
  const only = honoured.size === 0 ? "" : `; \`${[...honoured].join("`, `")}\` holds`;
  return `no: ${notEnforced}${only}`;
}

function anchor(name: string): string {
  return name.toLowerCase();
}
