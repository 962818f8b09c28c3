import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Comment, type Node, parseSync } from "oxc-parser";

/** Folder of the project. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** One source file, parsed. */
export interface Source {
  /** Relative to the project. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly program: Node;
  readonly comments: readonly Comment[];
  /** The first line says that this file touches the world. */
  readonly isEdge: boolean;
  readonly isTest: boolean;
}

/** One broken rule. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
}

const FOLDERS = ["lib", "kinds", "scheduler", "controlplane", "agent", "net", "cli", "bin", "test", "bench"];

/** Every TypeScript file of the project, parsed. */
export function readSources(): readonly Source[] {
  return FOLDERS.flatMap((folder) => filesBelow(join(ROOT, folder)))
    .filter((path) => path.endsWith(".ts"))
    .map(readSource);
}

/** Every file below a folder, sorted; empty when the folder does not exist. */
export function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function readSource(absolute: string): Source {
  const path = relative(ROOT, absolute);
  const text = readFileSync(absolute, "utf8");
  const { program, comments, errors } = parseSync(absolute, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const isTest = path.startsWith("test/") || path.startsWith("bench/") || path.endsWith(".test.ts");
  return { path, text, lines: text.split("\n"), program, comments, isEdge: text.startsWith("// Edge: "), isTest };
}

/** Line of an offset, from 1. */
export function lineOf(source: Source, offset: number): number {
  return source.text.slice(0, offset).split("\n").length;
}

/** Calls for every node below, with its ancestors, outermost first. */
export function walk(
  node: Node,
  visit: (node: Node, ancestors: readonly Node[]) => void,
  ancestors: readonly Node[] = [],
): void {
  visit(node, ancestors);
  const inner = [...ancestors, node];
  for (const child of childrenOf(node)) walk(child, visit, inner);
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node).flatMap((value) =>
    Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  );
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}
