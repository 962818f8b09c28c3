import { createHash } from "node:crypto";
import type { Json } from "../../kinds/encode.js";
import { jsonOfTree } from "../../kinds/patch/json-tree.js";
import { entryOf, type MapNode } from "../../kinds/yaml/tree.js";
import { textAt } from "./fields.js";

/**
 * The suffix that kustomize gives the name of a generated object: ten letters of the SHA-256 of its kind and contents in Go's JSON form, with
 * the digits and vowels that make words replaced. Equal to kustomize's, so that objects applied by either keep their names. kustomize means to
 * hash the name too, but since version 4 it finds it empty; names that older documentation shows are others.
 */
export function contentHash(tree: MapNode): string {
  const kind = textAt(tree, "kind") ?? "";
  const held = (key: string): Json | undefined => {
    const value = entryOf(tree, key)?.value;
    return value === undefined ? undefined : jsonOfTree(value);
  };
  const contents: Record<string, Json> = { data: held("data") ?? "", kind, name: "" };
  if (kind === "Secret") contents["type"] = held("type") ?? "";
  const second = kind === "Secret" ? "stringData" : "binaryData";
  const more = held(second);
  if (typeof more === "object" && more !== null) contents[second] = more;
  const digest = createHash("sha256").update(goJson(contents)).digest("hex");
  return [...digest.slice(0, 10)].map((letter) => LETTERS[letter] ?? letter).join("");
}

const LETTERS: Readonly<Record<string, string>> = { "0": "g", "1": "h", "3": "k", a: "m", e: "t" };

/** JSON as Go's encoding/json writes it: keys sorted by their bytes, and what HTML could misread escaped. */
function goJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(goJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return `{${entries.map(([key, inner]) => `${goText(key)}:${goJson(inner)}`).join(",")}}`;
  }
  return typeof value === "string" ? goText(value) : JSON.stringify(value);
}

function goText(text: string): string {
  return JSON.stringify(text)
    .replace(/\\b/g, "\\u0008")
    .replace(/\\f/g, "\\u000c")
    .replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
