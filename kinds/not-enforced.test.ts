import { expect, test } from "vitest";
import { decodeDocument } from "./decode.js";
import { isKindName, KINDS, type KindName } from "./registry.js";
import { type FieldSchema, type MessageSchema, messageSchema } from "./schema.js";
import { parseYaml } from "./yaml/parse.js";

// Whatever the schema says is accepted without effect is named to whoever sets it, wherever it stands.

type Json = Readonly<Record<string, unknown>>;

/** A field without effect, and an object that sets it and nothing else. */
interface Row {
  readonly field: string;
  readonly text: string;
  readonly want: string;
}

/** Sets a field in an object that otherwise is as short as can be; an ancestor makes its own object of what its field holds. */
type Place = (value: unknown) => Json;

/** Every field without effect that objects of users may have; of those that many kinds share, at the first place. */
function rows(): readonly Row[] {
  const found = new Map<string, Row>();
  const seen = new Set<string>();
  const visit = (schema: MessageSchema, path: string, place: (fields: Json) => Json): void => {
    if (seen.has(schema.name)) return;
    seen.add(schema.name);
    for (const field of schema.fields) {
      if (field.name === "status") continue;
      const at: Place = (value) => place({ [field.name]: value });
      const why = field.rule.notEnforced;
      if (why !== "") {
        const name = `${schema.name}.${field.name}`;
        const where = path === "" ? field.name : `${path}.${field.name}`;
        const text = JSON.stringify(at(askedValue(field)));
        found.set(name, { field: name, text, want: `${where}: accepted, not enforced: ${why}` });
      } else if (field.messageName !== "" && field.shape !== "map") {
        const isList = field.shape === "list";
        const step = `${path === "" ? "" : `${path}.`}${field.name}${isList ? "[0]" : ""}`;
        visit(messageSchema(field.messageName), step, (fields) => at(isList ? [fields] : fields));
      }
    }
  };
  for (const kind of Object.keys(KINDS).filter(isKindName)) {
    const head = headOf(kind);
    visit(messageSchema(kind), "", (fields) => ({ ...head, ...fields }));
  }
  return [...found.values()];
}

function headOf(kind: KindName): Json {
  const { group, versions } = KINDS[kind];
  return { apiVersion: group === "" ? versions[0] : `${group}/${versions[0]}`, kind };
}

/** A value that asks for something which does not hold anyway. */
function askedValue(field: FieldSchema): unknown {
  const one = elementOf(field);
  if (field.shape === "list") return [one];
  return field.shape === "map" ? { key: one } : one;
}

function elementOf({ type, rule }: FieldSchema): unknown {
  if (type === "message") return {};
  if (type === "bool") return true;
  if (type !== "string") return 7;
  return [...(rule.allowed ?? ["else"])].find((word) => word !== rule.default && !rule.honoured.has(word));
}

const ROWS = rows();

test.each(ROWS)("$field", ({ text, want }) => {
  const { documents } = parseYaml({ name: "a.yaml", text });
  const [root] = documents;
  expect(root).toBeDefined();
  if (root === undefined) return;
  const { warnings, problems } = decodeDocument(root, { name: "a.yaml", text });
  expect(problems).toEqual([]);
  expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toContain(want);
});

test("none is left out: every message that a kind leads to was looked at", () => {
  expect(ROWS.map(({ field }) => field)).toEqual(
    expect.arrayContaining([
      "PodSpec.runtimeClassName",
      "Container.volumeDevices",
      "ResourceRequirements.claims",
      "SecurityContext.appArmorProfile",
      "VolumeProjection.serviceAccountToken",
      "PersistentVolumeClaimSpec.dataSource",
    ]),
  );
});

const KINDS_WITHOUT_EFFECT = Object.keys(KINDS)
  .filter(isKindName)
  .filter((kind) => messageSchema(kind).notEnforced !== "");

test.each(KINDS_WITHOUT_EFFECT)("objects of kind %s", (kind) => {
  const text = JSON.stringify({ ...headOf(kind), metadata: { name: "x" } });
  const { documents } = parseYaml({ name: "a.yaml", text });
  const [root] = documents;
  const warnings = root === undefined ? [] : decodeDocument(root, { name: "a.yaml", text }).warnings;
  expect(warnings.map(({ message }) => message)).toEqual([
    `accepted, not enforced: kind ${kind}: ${messageSchema(kind).notEnforced}`,
  ]);
});
