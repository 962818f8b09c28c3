import { posix } from "node:path";
import { TallshipError } from "../../lib/errors.js";
import type { Choose } from "../../lib/rooted/pack-tree.js";
import { shownPath } from "../../lib/tar/entry.js";

interface Pattern {
  readonly matches: RegExp;
  /** Takes back what patterns before it left out. */
  readonly isException: boolean;
}

/**
 * What a .dockerignore leaves out of a context, as Docker reads it: the last pattern that matches a path or a folder above it decides, `!` takes back, `**` stands for any folders. Throws
 * invalid_argument naming the line that is malformed.
 */
export function readDockerignore(text: string): Choose {
  const patterns = text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .flatMap((line, at) => patternOf(line, at + 1));
  const hasExceptions = patterns.some(({ isException }) => isException);
  return (bytes) => {
    if (!isLeftOut(patterns, shownPath(bytes))) return "keep";
    return hasExceptions ? "within" : "drop";
  };
}

function isLeftOut(patterns: readonly Pattern[], path: string): boolean {
  const parts = path.split("/");
  const paths = parts.map((_, at) => parts.slice(0, at + 1).join("/"));
  const last = patterns.findLast(({ matches }) => paths.some((each) => matches.test(each)));
  return last !== undefined && !last.isException;
}

function patternOf(line: string, lineNumber: number): readonly Pattern[] {
  if (line.startsWith("#")) return [];
  const trimmed = line.trim();
  if (trimmed === "") return [];
  const isException = trimmed.startsWith("!");
  const words = isException ? trimmed.slice(1).trim() : trimmed;
  const cleaned = posix.normalize(words).replace(/(?<=.)\/$/, "");
  const path = cleaned.length > 1 ? cleaned.replace(/^\//, "") : cleaned;
  try {
    if (words === "") throw new Error("! takes back nothing");
    return [{ matches: new RegExp(`^${expressionOf(path)}$`, "s"), isException }];
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TallshipError("invalid_argument", `.dockerignore line ${lineNumber}: ${JSON.stringify(trimmed)}: ${why}`);
  }
}

/** The parts of a pattern, the longest first; what none of them takes stands for itself. */
const PARTS = /\*\*\/|\*\*|\*|\?|\[\^?[^\]]+\]|\\.|./gs;

function expressionOf(pattern: string): string {
  return [...pattern.matchAll(PARTS)].map(([part]) => partOf(part)).join("");
}

function partOf(part: string): string {
  if (part === "**/") return "(?:.*/)?";
  if (part === "**") return ".*";
  if (part === "*") return "[^/]*";
  if (part === "?") return "[^/]";
  if (part.length > 1 && part.startsWith("[")) return part;
  const letter = part.length > 1 ? part.slice(1) : part;
  return letter.replace(/[.*+?^${}()|[\]\\]/, "\\$&");
}
