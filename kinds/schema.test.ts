import { describe, expect, test } from "vitest";
import { FORMATS } from "./formats.js";
import { KINDS } from "./registry.js";
import { type FieldSchema, type MessageSchema, messageSchema } from "./schema.js";

/** Every message that an object can hold. */
function reachable(): readonly MessageSchema[] {
  const found = new Map<string, MessageSchema>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    const schema = messageSchema(name);
    found.set(name, schema);
    for (const field of schema.fields) if (field.messageName !== "") visit(field.messageName);
  };
  for (const kind of Object.keys(KINDS)) visit(kind);
  return [...found.values()];
}

const fields: readonly { readonly where: string; readonly field: FieldSchema }[] = reachable().flatMap((schema) =>
  schema.fields.map((field) => ({ where: `${schema.name}.${field.name}`, field })),
);

describe("the rules of the schema can be kept", () => {
  test("every form that a rule names exists", () => {
    const unknown = fields.flatMap(({ where, field }) =>
      [field.rule.format, field.rule.keyFormat]
        .filter((format) => format !== "" && !Object.hasOwn(FORMATS, format))
        .map((format) => `${where}: ${format}`),
    );
    expect(unknown).toEqual([]);
  });

  test("a blank message is what the generated code makes of nothing", () => {
    for (const row of Object.values(KINDS)) expect(messageSchema(row.kind).blank).toEqual(row.create({}));
  });

  test("a default is one of the words allowed", () => {
    const wrong = fields.filter(
      ({ field: { rule } }) => rule.default !== undefined && rule.allowed?.has(rule.default) === false,
    );
    expect(wrong.map(({ where }) => where)).toEqual([]);
  });

  test("a merge key names fields of the element", () => {
    const wrong = fields.filter(({ field }) => {
      const keys = field.rule.mergeKey === "" ? [] : field.rule.mergeKey.split(",");
      return keys.some((key) => field.messageName === "" || !messageSchema(field.messageName).byName.has(key));
    });
    expect(wrong.map(({ where }) => where)).toEqual([]);
  });

  test("a value that holds anyway belongs to a field that is not enforced", () => {
    const wrong = fields.filter(({ field: { rule } }) => rule.honoured.size > 0 && rule.notEnforced === "");
    expect(wrong.map(({ where }) => where)).toEqual([]);
  });

  test("a name of JavaScript's own is no message", () => {
    expect(() => messageSchema("constructor")).toThrow("no message constructor");
  });
});
