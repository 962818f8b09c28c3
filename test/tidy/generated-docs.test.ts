import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generatedDocs } from "./generated-docs.js";
import { ROOT } from "./source.js";

test.each(Object.entries(generatedDocs()))("%s is what the code says", (path, text) => {
  const file = join(ROOT, path);
  if (process.env["WRITE_DOCS"] === "1") writeFileSync(file, text);
  expect(existsSync(file) ? readFileSync(file, "utf8") : "").toBe(text);
});

test("every path in the README's table of changes exists, placeholders aside", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const table = /\n\| change \| files \|\n([\s\S]*?)\n\n/.exec(readme)?.[1] ?? "";
  const paths = [...table.matchAll(/`([^` ]+)`/g)].map(([, path]) => path ?? "");
  expect(paths.length).toBeGreaterThan(8);
  const missing = paths
    .map((path) => path.replace(/\/x\.(ts|proto)$/, ""))
    .filter((path) => !existsSync(join(ROOT, path)));
  expect(missing).toEqual([]);
});
