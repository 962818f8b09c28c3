import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { decodeDocument } from "./decode.js";
import { toJson } from "./encode.js";
import { decodeObject, encodeObject, type Typed } from "./object.js";
import { problemText } from "./problem.js";
import { KINDS, type KindName } from "./registry.js";
import { type FieldSchema, messageSchema } from "./schema.js";
import { parseYaml } from "./yaml/parse.js";
import { printYaml } from "./yaml/print.js";

/** Values of each form, so that what is generated is what a user could write. */
const FORMS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  quantity: fc.constantFrom("0", "1", "0.5", "500m", "64Mi", "1e3", "-1", "1.50"),
  time: fc.constantFrom("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+01:00"),
  ip: fc.constantFrom("10.0.0.1", "::1", "fe80::1"),
  cidr: fc.constantFrom("10.0.0.0/24", "fd00::/8"),
  clusterIP: fc.constantFrom("None", "10.96.0.1"),
  countOrPercent: fc.constantFrom("25%", "100%"),
};

const KEYS = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/).filter((key) => key !== "__proto__");

function texts(form: string): fc.Arbitrary<string> {
  return (
    FORMS[form] ??
    fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string(),
      fc.constantFrom(
        "yes",
        "0755",
        "null",
        "a\nb\n",
        " x",
        "1:2",
        "- a",
        "#",
        "a: b",
        "\t",
        "a\n\tb\tc\n",
        "e0",
        "a\n\n",
        "\n",
        "~",
        "12e03",
        "0x1f",
        "=",
        "<<",
      ),
    )
  );
}

function valuesOf(field: FieldSchema, depth: number): fc.Arbitrary<unknown> {
  if (field.messageName === "IntOrString") {
    return fc.oneof(
      fc.nat(1000).map((value) => ({ value: { $case: "intVal", value } })),
      texts(field.rule.format).map((value) => ({ value: { $case: "strVal", value } })),
    );
  }
  switch (field.type) {
    case "message":
      return fc.constant(field.messageName).chain((name) => messagesOf(name, depth + 1));
    case "string":
      return field.rule.allowed === undefined ? texts(field.rule.format) : fc.constantFrom(...field.rule.allowed);
    case "bool":
      return fc.boolean();
    case "bytes":
      return fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));
    case "uint32":
    case "uint64":
      return fc.nat();
    default:
      return fc.integer();
  }
}

/** Each field is there in some objects, less often deep down. */
function messagesOf(name: string, depth: number): fc.Arbitrary<object> {
  const { fields, blank } = messageSchema(name);
  const parts = fields
    .filter((field) => field.name !== "applied" && !(field.name === "stringData"))
    .map((field) => {
      const one = valuesOf(field, depth);
      const value =
        field.shape === "one"
          ? one
          : field.shape === "list"
            ? fc.array(one, { maxLength: 3 })
            : fc.dictionary(KEYS, one, { maxKeys: 3, noNullPrototype: true });
      return fc.option(value, { nil: undefined, freq: depth > 3 ? 8 : 3 }).map((made) => [field.name, made] as const);
    });
  return fc
    .tuple(...parts)
    .map((made) => ({ ...blank, ...Object.fromEntries(made.filter(([, value]) => value !== undefined)) }));
}

// Rarely present is the rule: a pod of all fields at once would take seconds to shrink.
const ANY_OBJECT = fc
  .constantFrom(...(Object.keys(KINDS) as KindName[]))
  .chain((kind) => messagesOf(kind, 0).map((object) => ({ kind, object }) as unknown as Typed));

function readBack(text: string): Typed {
  const source = { name: "x", text };
  const { documents, problems } = parseYaml(source);
  expect(problems.map(problemText)).toEqual([]);
  const decoded = documents.map((root) => decodeDocument(root, source));
  expect(decoded.flatMap((result) => result.problems.map(problemText))).toEqual([]);
  const [object] = decoded.flatMap((result) => result.objects);
  if (object === undefined) throw new Error("no object");
  return object.typed;
}

test("an object survives YAML, bytes and YAML again unchanged", () => {
  fc.assert(
    fc.property(ANY_OBJECT, (typed) => {
      const text = printYaml(toJson(typed));
      const read = readBack(text);
      const stored = decodeObject(encodeObject(read));
      expect(stored).toEqual(read);
      expect(printYaml(toJson(stored))).toBe(text);
      expect(toJson(read)).toEqual(toJson(typed));
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("what is printed means the same to another reader, also of YAML 1.1", () => {
  const json = fc
    .jsonValue({ depthSize: "small", noUnicodeString: false })
    .filter((value) => typeof value === "object" && value !== null);
  const strings = fc.array(texts(""), { minLength: 1 });
  fc.assert(
    fc.property(fc.oneof(json, strings, fc.dictionary(texts(""), texts(""), { minKeys: 1 })), (value) => {
      const plain = JSON.parse(JSON.stringify(value));
      const text = printYaml(plain);
      for (const version of ["1.2", "1.1"] as const) {
        const document = parseDocument(text, { version, merge: false, uniqueKeys: false });
        expect(document.errors).toEqual([]);
        expect(JSON.parse(JSON.stringify(document.toJS()))).toEqual(plain);
      }
    }),
    { seed: 1, numRuns: 2_000 },
  );
});
