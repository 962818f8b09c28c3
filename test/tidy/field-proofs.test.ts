import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { messageSchema } from "../../kinds/schema.js";
import { FIELD_ROWS } from "../e2e/fields/all-rows.js";
import { ROOT } from "../kit/root.js";
import { FIELD_PROOFS } from "./field-proofs.js";

/** Every field that a pod may have and that is not named as without effect, as Message.field. What every object has is not the pod's. */
function fieldsOfPods(): ReadonlySet<string> {
  const fields = new Set<string>();
  const seen = new Set<string>(["ObjectMeta"]);
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const field of messageSchema(name).fields) {
      if (field.rule.notEnforced !== "") continue;
      fields.add(`${name}.${field.name}`);
      if (field.messageName !== "") visit(field.messageName);
    }
  };
  visit("PodSpec");
  return fields;
}

test("every field of the pod spec is named as without effect, or a test shows what it does", () => {
  const proven = new Set([
    ...FIELD_ROWS.flatMap(({ proves }) => proves),
    ...FIELD_PROOFS.flatMap(({ fields }) => fields),
  ]);
  const fields = fieldsOfPods();
  expect([...fields].filter((field) => !proven.has(field))).toEqual([]);
  expect([...proven].filter((field) => !fields.has(field))).toEqual([]);
});

test("the tests that show it exist", () => {
  const textOf = (path: string): string => readFileSync(join(ROOT, path), "utf8");
  const missing = FIELD_PROOFS.filter(({ path, title }) => !textOf(path).includes(title));
  expect(missing.map(({ path, title }) => `${path}: ${title}`)).toEqual([]);
});

test("pods of rows have names of their own", () => {
  const names = FIELD_ROWS.map(({ name }) => name);
  expect([...new Set(names)]).toEqual(names);
});
