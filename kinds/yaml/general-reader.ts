import { Composer, type CST, type Document, Parser } from "yaml";
import type { ErrorCode } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import type { Problem } from "../problem.js";
import { brokenPlace, templateHint } from "./broken.js";
import { buildTree } from "./build.js";
import type { ComposeTag, ParsedYaml } from "./parsed.js";
import type { Source } from "./source.js";
import type { TreeNode } from "./tree.js";

/**
 * Reads everything that YAML 1.2 allows. Hostile text costs time linear in its size: nesting and alias expansion are bounded by
 * LIMITS, and merge keys are resolved here because the library's own take quadratic time. A document with problems is left out.
 */
export function parseGeneralYaml(source: Source): ParsedYaml {
  const problems: Problem[] = [];
  const report = (code: ErrorCode, at: number, message: string): void => {
    problems.push({ code, path: "", message: `${message}${templateHint(source.text, at)}`, source, at });
  };
  const documents: TreeNode[] = [];
  const tags = new Map<number, ComposeTag>();
  const budget = { left: LIMITS.yamlAliasExpansion.value };
  for (const document of compose(source.text, report)) {
    const before = problems.length;
    for (const error of document.errors.slice(0, MAX_ERRORS)) {
      const { at, message } = brokenPlace(error, document);
      report("invalid_argument", at, message);
    }
    if (problems.length > before || document.contents === null) continue;
    const root = buildTree(document.contents, budget, { report, tags });
    if (problems.length === before && root !== undefined) documents.push(root);
    if (budget.left < 0) break;
  }
  return { source, documents, problems, tags };
}

/** Errors told per document: one broken quote makes thousands. */
const MAX_ERRORS = 10;

/** All scalars stay text (schema failsafe): what they mean is decided by the field they stand in. */
const OPTIONS = {
  schema: "failsafe",
  merge: false,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: "silent",
} as const;

function* compose(
  text: string,
  report: (code: ErrorCode, at: number, message: string) => void,
): Generator<Document.Parsed> {
  const composer = new Composer(OPTIONS);
  for (const token of new Parser().parse(text)) {
    const deep = deeperThan(token, LIMITS.yamlDepth.value);
    if (deep !== undefined) {
      report("too_large", deep, `nested deeper than ${LIMITS.yamlDepth.value} levels`);
      return;
    }
    yield* composer.next(token);
  }
  yield* composer.end();
}

/** Offset of the first collection below `limit` levels; the composer recurses, and its stack must not be the bound. */
function deeperThan(token: CST.Token, limit: number): number | undefined {
  const stack: { readonly token: CST.Token; readonly depth: number }[] = [{ token, depth: 0 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top.depth > limit) return "offset" in top.token ? top.token.offset : 0;
    for (const child of childrenOf(top.token)) stack.push({ token: child, depth: top.depth + 1 });
  }
  return undefined;
}

function* childrenOf(token: CST.Token): Generator<CST.Token> {
  if (token.type === "document" && token.value !== undefined) yield token.value;
  if (!("items" in token)) return;
  for (const { key, value } of token.items) {
    if (key !== undefined && key !== null && "items" in key) yield key;
    if (value !== undefined && "items" in value) yield value;
  }
}
