import { describe, expect, test } from "vitest";
import { RULES } from "./rules.js";
import { readSources, type Source } from "./source.js";

const sources = readSources();

describe("every file keeps the house rules", () => {
  test.each(Object.entries(RULES))("%s", (_name, rule) => {
    const findings = sources
      .flatMap((source) => rule(source))
      .map(({ path, line, rule: broken }) => `${path}:${line}: ${broken}`);
    expect(findings).toEqual([]);
  });
});

describe("the rules can fail", () => {
  const broken = [
    { rule: "casts", text: "const a = 1;\nconst b = a as number;\n" },
    { rule: "documentedExports", text: "export const a = 1;\n" },
    { rule: "nesting", text: "function f() { if (1) { for (;;) { while (1) { if (2) {} } } } }\n" },
    { rule: "world", text: 'import { readFileSync } from "node:fs";\n' },
    { rule: "world", text: "const a = Date.now();\n" },
    { rule: "inheritance", text: "class A extends B {}\n" },
    { rule: "borders", text: 'import { a } from "../controlplane/a.js";\n' },
    { rule: "functionLength", text: `function f() {\n${"f();\n".repeat(80)}}\n` },
    { rule: "fileLength", text: "f();\n".repeat(401) },
  ] as const;

  test.each(broken)("$rule", async ({ rule, text }) => {
    expect(RULES[rule](await parse("agent/some-file.ts", text))).toHaveLength(1);
  });

  test("a file named helper is refused", async () => {
    expect(RULES.fileName(await parse("agent/helper.ts", ""))).toHaveLength(1);
  });
});

async function parse(path: string, text: string): Promise<Source> {
  const { parseSync } = await import("oxc-parser");
  const { program, comments } = parseSync(path, text);
  return { path, text, lines: text.split("\n"), program, comments, isEdge: false, isTest: false };
}
