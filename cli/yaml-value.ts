import { parse } from "yaml";
import { TallshipError } from "../lib/errors.js";

/** A small YAML file of our own as a plain value; throws invalid_argument that names the file. */
export function checkedYaml(text: string, path: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new TallshipError("invalid_argument", `read ${path}: ${why}`, { cause });
  }
}
