import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import { TallshipError } from "../lib/errors.js";

/** A file of YAML or JSON that is being read, so that what is wrong is told with file, line and column. */
export interface Parsing {
  readonly path: string;
  readonly lines: LineCounter;
}

/** Opens a file that an administrator wrote. Its top is undefined when it is empty; invalid_argument when it is not YAML. No merges, and few aliases: no text grows. */
export function openYaml(text: string, path: string): { readonly parsing: Parsing; readonly top: Node | undefined } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: false });
  const parsing = { path, lines };
  const [problem] = document.errors;
  if (problem !== undefined) throw wrongAt(parsing, problem.pos[0], problem.message.split("\n")[0] ?? "");
  return { parsing, top: document.contents ?? undefined };
}

/** The fields of a map; only the known ones when they are given. */
export function fieldsOf(parsing: Parsing, node: Node, known?: readonly string[]): ReadonlyMap<string, Node> {
  if (!isMap<Node, Node | null>(node)) throw wrong(parsing, node, "a map is wanted");
  const pairs = (node satisfies YAMLMap).items.map(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : "";
    if (known !== undefined && !known.includes(name)) {
      throw wrong(parsing, key, `unknown field ${JSON.stringify(name)}; known: ${known.join(", ")}`);
    }
    if (value === null || value === undefined) throw wrong(parsing, key, `${name} has no value`);
    return [name, value] as const;
  });
  return new Map(pairs);
}

/** The elements of a list. */
export function elementsOf(parsing: Parsing, node: Node, name: string): readonly Node[] {
  if (isSeq<Node>(node)) return node.items;
  throw wrong(parsing, node, `${name} is no list`);
}

/** A text that is not empty. */
export function textOf(parsing: Parsing, node: Node, name: string): string {
  if (isScalar(node) && typeof node.value === "string" && node.value !== "") return node.value;
  throw wrong(parsing, node, `${name} is not text`);
}

/** True or false. */
export function booleanOf(parsing: Parsing, node: Node, name: string): boolean {
  if (isScalar(node) && typeof node.value === "boolean") return node.value;
  throw wrong(parsing, node, `${name} is neither true nor false`);
}

/** A whole number from 0 up. */
export function countOf(parsing: Parsing, node: Node, name: string): number {
  if (isScalar(node) && Number.isSafeInteger(node.value) && Number(node.value) >= 0) return Number(node.value);
  throw wrong(parsing, node, `${name} is not a whole number from 0 up`);
}

/** What is wrong there. */
export function wrong(parsing: Parsing, node: Node, why: string): TallshipError {
  return wrongAt(parsing, node.range?.[0] ?? 0, why);
}

function wrongAt({ path, lines }: Parsing, offset: number, why: string): TallshipError {
  const { line, col } = lines.linePos(offset);
  return new TallshipError("invalid_argument", `${path}:${line}:${col}: ${why}`);
}
