import { parseGeneralYaml } from "./general-reader.js";
import { type ParsedYaml, refuseLength } from "./parsed.js";
import { readPlainYaml } from "./plain-reader.js";
import type { Source } from "./source.js";

/** Reads YAML 1.2 or JSON: by the plain reader where it answers, else by the general one. */
export function parseYaml(source: Source): ParsedYaml {
  const refused = refuseLength(source);
  if (refused !== undefined) return refused;
  const plain = readPlainYaml(source.text);
  return plain === undefined ? parseGeneralYaml(source) : { source, documents: plain, problems: [] };
}
