import { type ParsedYaml, refuseLength } from "./parsed.js";
import { readPlainYaml } from "./plain-reader.js";
import type { Source } from "./source.js";

/** As parseYaml, for programs that must start fast: the general reader is loaded only when the plain one does not answer. */
export async function parseLazily(source: Source): Promise<ParsedYaml> {
  const refused = refuseLength(source);
  if (refused !== undefined) return refused;
  const plain = readPlainYaml(source.text);
  if (plain !== undefined) return { source, documents: plain, problems: [] };
  const { parseGeneralYaml } = await import("./general-reader.js");
  return parseGeneralYaml(source);
}
