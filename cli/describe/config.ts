import { type Json, type JsonObject, messageToJson } from "../../kinds/encode.js";
import type { Typed } from "../../kinds/object.js";
import { printYaml } from "../../kinds/yaml/print.js";
import type { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import type { Condition } from "../../proto/gen/tallship/v1/meta.js";
import type { Secret } from "../../proto/gen/tallship/v1/secret.js";
import { conditionsTable, headOf, type Surroundings, withEvents } from "./facts.js";
import { Page } from "./page.js";

/** A config with its texts; of bytes only the number. */
export function describeConfigMap(config: ConfigMap, around: Surroundings): Page {
  const page = headOf(config.metadata, around.nowMs);
  if (config.immutable === true) page.fact("Immutable", "true");
  page.section("Data", textsPage(config.data));
  if (Object.keys(config.binaryData).length > 0) page.section("Binary Data", sizesPage(config.binaryData));
  return withEvents(page, around);
}

/** A secret: its keys and how long each value is, never a value. */
export function describeSecret(secret: Secret, around: Surroundings): Page {
  const page = headOf(secret.metadata, around.nowMs).fact("Type", secret.type);
  if (secret.immutable === true) page.fact("Immutable", "true");
  return withEvents(page.section("Data", sizesPage(secret.data)), around);
}

/** Any other kind: its fields as they are, conditions as a table. */
export function describeOther({ kind, object }: Typed, around: Surroundings): Page {
  const { metadata: _, ...fields } = messageToJson(kind, object);
  const page = headOf(object.metadata, around.nowMs);
  const { status, ...rest } = fields;
  const { conditions, ...others } = isMap(status) ? status : {};
  const shown = { ...rest, ...(Object.keys(others).length === 0 ? {} : { status: others }) };
  if (Object.keys(shown).length > 0) page.text(printYaml(shown));
  if (conditions !== undefined) conditionsTable(page, conditionsIn(object), around.nowMs);
  return kind === "Event" ? page : withEvents(page, around);
}

function isMap(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** The conditions of a status, whatever its kind: they have one form in all. */
function conditionsIn(object: object): readonly Condition[] {
  const status = "status" in object ? object.status : undefined;
  const held = typeof status === "object" && status !== null && "conditions" in status ? status.conditions : [];
  return Array.isArray(held) ? held : [];
}

/** What a config holds, in short: each key with its first line. */
export function configMapPage({ data, binaryData }: ConfigMap): Page {
  const page = new Page();
  for (const [key, text] of Object.entries(data).sort(byKey)) {
    const [line = "", ...more] = text.trimEnd().split("\n");
    page.fact(key, more.length === 0 ? line : `${line} … (${more.length + 1} lines)`);
  }
  return addSizes(page, binaryData);
}

function textsPage(texts: Readonly<Record<string, string>>): Page {
  const page = new Page();
  for (const [key, text] of Object.entries(texts).sort(byKey))
    page.text(`${key}:\n----\n${text}${text.endsWith("\n") ? "" : "\n"}\n`);
  return page;
}

/** The length of each value. */
export function sizesPage(values: Readonly<Record<string, Uint8Array>>): Page {
  return addSizes(new Page(), values);
}

function addSizes(page: Page, values: Readonly<Record<string, Uint8Array>>): Page {
  for (const [key, bytes] of Object.entries(values).sort(byKey)) page.fact(key, `${bytes.length} bytes`);
  return page;
}

function byKey([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1;
}
