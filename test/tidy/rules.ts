import { posix } from "node:path";
import type { Node } from "oxc-parser";
import { type Finding, lineOf, type Source, walk } from "./source.js";

/** Longest file and function, in lines, and deepest nesting of control statements within a function. */
const MAX = { fileLines: 400, functionLines: 70, nesting: 3 };

/** What each folder may import beside itself, lib and proto. */
const BORDERS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  kinds: [],
  scheduler: ["kinds"],
  net: ["kinds"],
  cli: ["kinds"],
  controlplane: ["kinds", "scheduler", "net"],
  agent: ["kinds", "net"],
  bin: ["kinds", "cli", "controlplane", "agent", "net", "test"],
};

/** Modules that reach the world outside the program. */
const WORLD = new Set(
  [
    "fs",
    "fs/promises",
    "net",
    "http",
    "https",
    "http2",
    "child_process",
    "dgram",
    "tls",
    "dns",
    "worker_threads",
    "timers",
    "timers/promises",
  ].map((name) => `node:${name}`),
);

/** Checks one file; returns what is broken. */
export type Rule = (source: Source) => readonly Finding[];

/** Every rule that a single file can break. */
export const RULES = {
  fileLength,
  fileName,
  functionLength,
  nesting,
  documentedExports,
  borders,
  world,
  casts,
  inheritance,
  todos,
} as const satisfies Record<string, Rule>;

function found(source: Source, node: { readonly start: number }, rule: string): Finding {
  return { path: source.path, line: lineOf(source, node.start), rule };
}

function fileLength(source: Source): readonly Finding[] {
  if (source.lines.length - 1 <= MAX.fileLines) return [];
  return [
    {
      path: source.path,
      line: source.lines.length,
      rule: `a file has at most ${MAX.fileLines} lines, this one ${source.lines.length - 1}`,
    },
  ];
}

function fileName(source: Source): readonly Finding[] {
  const name = posix.basename(source.path).replace(/(\.(test|real|long|bench))*\.ts$/, "");
  if (/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && !/^(utils?|helpers?|common|misc)$/.test(name)) return [];
  return [{ path: source.path, line: 1, rule: "a file is named in kebab-case for its one idea" }];
}

function isFunction(node: Node): boolean {
  return (
    node.type === "FunctionDeclaration" || node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression"
  );
}

function functionLength(source: Source): readonly Finding[] {
  const findings: Finding[] = [];
  if (source.isTest) return findings;
  walk(source.program, (node) => {
    if (!isFunction(node)) return;
    const lines = lineOf(source, node.end) - lineOf(source, node.start) + 1;
    if (lines > MAX.functionLines)
      findings.push(found(source, node, `a function has at most ${MAX.functionLines} lines, this one ${lines}`));
  });
  return findings;
}

const CONTROL = new Set([
  "IfStatement",
  "ForStatement",
  "ForOfStatement",
  "ForInStatement",
  "WhileStatement",
  "DoWhileStatement",
  "SwitchStatement",
  "TryStatement",
]);

function nesting(source: Source): readonly Finding[] {
  const findings: Finding[] = [];
  walk(source.program, (node, ancestors) => {
    if (!CONTROL.has(node.type)) return;
    const within = ancestors.slice(ancestors.findLastIndex(isFunction) + 1);
    const depth =
      within.filter((outer, at) => CONTROL.has(outer.type) && !isElseIf(outer, within[at + 1] ?? node)).length + 1;
    if (depth === MAX.nesting + 1)
      findings.push(found(source, node, `control statements nest at most ${MAX.nesting} deep`));
  });
  return findings;
}

function isElseIf(outer: Node, inner: Node): boolean {
  return outer.type === "IfStatement" && outer.alternate === inner && inner.type === "IfStatement";
}

function documentedExports(source: Source): readonly Finding[] {
  if (source.isTest || source.program.type !== "Program") return [];
  const docEnds = source.comments
    .filter((comment) => comment.type === "Block" && comment.value.startsWith("*"))
    .map((comment) => comment.end);
  return source.program.body
    .filter((node) => node.type === "ExportNamedDeclaration" && node.declaration !== null)
    .filter(
      (node) =>
        !docEnds.some(
          (end) =>
            end <= node.start &&
            source.text
              .slice(end, node.start)
              .replace(/\/\/[^\n]*/g, "")
              .trim() === "",
        ),
    )
    .map((node) => found(source, node, "an export has a doc comment"));
}

function importsOf(source: Source): readonly { readonly start: number; readonly target: string }[] {
  const imports: { start: number; target: string }[] = [];
  walk(source.program, (node) => {
    if (
      (node.type === "ImportDeclaration" ||
        node.type === "ExportNamedDeclaration" ||
        node.type === "ExportAllDeclaration") &&
      node.source
    ) {
      imports.push({ start: node.start, target: node.source.value });
    }
    if (node.type === "ImportExpression" && node.source.type === "Literal" && typeof node.source.value === "string") {
      imports.push({ start: node.start, target: node.source.value });
    }
  });
  return imports;
}

function borders(source: Source): readonly Finding[] {
  const [folder = ""] = source.path.split("/");
  const allowed = BORDERS[folder];
  if (allowed === undefined || source.isTest) return [];
  return importsOf(source)
    .filter(({ target }) => target.startsWith("."))
    .map((entry) => ({ ...entry, to: posix.join(posix.dirname(source.path), entry.target).split("/")[0] ?? "" }))
    .filter(({ to }) => to !== folder && to !== "proto" && to !== "lib" && !allowed.includes(to))
    .map((entry) => found(source, entry, `${folder}/ does not import ${entry.to}/`));
}

function world(source: Source): readonly Finding[] {
  if (source.isEdge || source.isTest || source.path.startsWith("bin/")) return [];
  const imports = importsOf(source)
    .filter(({ target }) => WORLD.has(target))
    .filter(({ start }) => !source.text.startsWith("import type", start))
    .map((entry) => found(source, entry, `only an edge file ("// Edge: …" in its first line) imports ${entry.target}`));
  const uses: Finding[] = [];
  walk(source.program, (node) => {
    const use = worldUse(node);
    if (use !== undefined) uses.push(found(source, node, `only an edge file uses ${use}`));
  });
  return [...imports, ...uses];
}

const TIMERS = new Set(["setTimeout", "setInterval", "setImmediate", "fetch"]);
const MEMBERS = new Set(["Date.now", "Math.random", "performance.now", "AbortSignal.timeout"]);

function worldUse(node: Node): string | undefined {
  if (
    node.type === "NewExpression" &&
    node.callee.type === "Identifier" &&
    node.callee.name === "Date" &&
    node.arguments.length === 0
  )
    return "new Date()";
  if (node.type !== "CallExpression") return undefined;
  if (node.callee.type === "Identifier") return TIMERS.has(node.callee.name) ? node.callee.name : undefined;
  if (
    node.callee.type !== "MemberExpression" ||
    node.callee.object.type !== "Identifier" ||
    node.callee.property.type !== "Identifier"
  )
    return undefined;
  const name = `${node.callee.object.name}.${node.callee.property.name}`;
  return MEMBERS.has(name) ? name : undefined;
}

function casts(source: Source): readonly Finding[] {
  const findings: Finding[] = [];
  if (source.isTest) return findings;
  walk(source.program, (node) => {
    if (node.type !== "TSAsExpression") return;
    const isConst =
      node.typeAnnotation.type === "TSTypeReference" &&
      source.text.slice(node.typeAnnotation.start, node.typeAnnotation.end) === "const";
    if (isConst || hasCommentNear(source, lineOf(source, node.start))) return;
    findings.push(found(source, node, "`as` needs a comment that says why it is safe"));
  });
  return findings;
}

function hasCommentNear(source: Source, line: number): boolean {
  return source.lines.slice(Math.max(0, line - 4), line).some((text) => /(^|\s)(\/\/|\/?\*)/.test(text));
}

function inheritance(source: Source): readonly Finding[] {
  const findings: Finding[] = [];
  walk(source.program, (node) => {
    if (node.type !== "ClassDeclaration" || node.superClass === null) return;
    const parent = source.text.slice(node.superClass.start, node.superClass.end);
    if (!/^(Error|TallshipError)$/.test(parent)) findings.push(found(source, node, `no class extends ${parent}`));
  });
  return findings;
}

function todos(source: Source): readonly Finding[] {
  return source.comments
    .filter((comment) => /\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/.test(comment.value))
    .map((comment) => found(source, comment, "a TODO carries an issue number"));
}
