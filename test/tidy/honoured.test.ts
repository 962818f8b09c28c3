import { expect, test } from "vitest";
import { isKindName, KINDS } from "../../kinds/registry.js";
import { type FieldSchema, messageSchema } from "../../kinds/schema.js";
import { messageNames } from "./fields-page.js";
import { readSources, type Source, walk } from "./source.js";

/** Folders and files that only say what a field may be, or show it: to be honoured a field must be read elsewhere. */
const SAYS_ONLY = ["kinds/validation/", "kinds/defaults/", "kinds/columns/", "cli/", "bin/"];

/** Fields that nothing reads by name, and why they are honoured all the same. */
const HONOURED_OTHERWISE: Readonly<Record<string, string>> = {
  "Container.livenessProbe": "read under a name that is put together: each kind of probe is one field",
  "NodeSpec.providerID": "names the node to others; nothing acts on it in Kubernetes either",
  "Secret.stringData": "moved into data when it is read, by its defaults",
};

/** Every name that the code reads a property by. */
function namesRead(sources: readonly Source[]): ReadonlySet<string> {
  const names = new Set<string>();
  const isReader = ({ path, isTest }: Source): boolean =>
    !isTest && !SAYS_ONLY.some((folder) => path.startsWith(folder));
  for (const { program } of sources.filter(isReader))
    walk(program, (node) => {
      if (node.type === "MemberExpression" && node.property.type === "Identifier") names.add(node.property.name);
      if (node.type === "Property" && node.key.type === "Identifier" && node.shorthand) names.add(node.key.name);
      if (node.type === "Property" && node.key.type === "Identifier" && node.value.type !== "Literal")
        names.add(node.key.name);
      if (node.type === "Literal" && typeof node.value === "string") names.add(node.value);
    });
  return names;
}

/** The messages that hold what users ask for and what is acted on: not statuses, and nothing behind a field that is not enforced. */
function fieldsAskedFor(): ReadonlyMap<string, FieldSchema> {
  const fields = new Map<string, FieldSchema>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const { fields: all, notEnforced } = messageSchema(name);
    if (seen.has(name) || notEnforced !== "") return;
    seen.add(name);
    for (const field of all) {
      if (field.name === "status" || field.name === "metadata" || field.rule.notEnforced !== "") continue;
      fields.set(`${name}.${field.name}`, field);
      if (field.messageName !== "") visit(field.messageName);
    }
  };
  for (const kind of Object.keys(KINDS).filter(isKindName)) visit(kind);
  return fields;
}

test("every field that is not named as not enforced is read by code that acts", () => {
  const read = namesRead(readSources());
  const unread = [...fieldsAskedFor()].filter(([, { name }]) => !read.has(name)).map(([where]) => where);
  expect(unread.filter((where) => HONOURED_OTHERWISE[where] === undefined)).toEqual([]);
  // What is read by now needs no excuse.
  expect(Object.keys(HONOURED_OTHERWISE).filter((where) => !unread.includes(where))).toEqual([]);
});

test("the fields page knows every message", () => {
  expect(messageNames()).toEqual(expect.arrayContaining(["PodSpec", "ObjectMeta", "LimitRangeItem"]));
});
