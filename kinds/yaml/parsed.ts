import { LIMITS } from "../../lib/limits.js";
import type { Problem } from "../problem.js";
import type { Source } from "./source.js";
import type { TreeNode } from "./tree.js";

/** What a source holds: the root of each document that is neither empty nor broken, and everything that is wrong with the text. */
export interface ParsedYaml {
  readonly source: Source;
  readonly documents: readonly TreeNode[];
  readonly problems: readonly Problem[];
  /** The tags that compose files know, by the offset of the value that bears one; only a reader of compose files accepts them. */
  readonly tags?: ReadonlyMap<number, ComposeTag>;
}

/** What an overriding compose file says of a value: forget it, or take it whole. */
export type ComposeTag = "!reset" | "!override";

/** The refusal of a source that is longer than any reader takes; undefined when it is not. */
export function refuseLength(source: Source): ParsedYaml | undefined {
  const most = LIMITS.yamlBytes.value;
  if (source.text.length <= most) return undefined;
  const message = `larger than ${most} bytes; split it into several files`;
  return { source, documents: [], problems: [{ code: "too_large", path: "", message, source, at: 0 }] };
}
