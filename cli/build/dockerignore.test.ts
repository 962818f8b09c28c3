import { expect, test } from "vitest";
import { readDockerignore } from "./dockerignore.js";

// Rows of Docker's own tests and of its documentation.
const ROWS: readonly (readonly [patterns: string, path: string, isLeftOut: boolean])[] = [
  ["a", "a", true],
  ["a", "a/b/c", true],
  ["a", "ab", false],
  ["/a", "a", true],
  ["a/", "a", true],
  ["./a/../b", "b", true],
  ["*/temp*", "sub/temporary.txt", true],
  ["*/temp*", "temp", false],
  ["*/temp*", "sub/sub/temp", false],
  ["temp?", "tempa", true],
  ["temp?", "temp", false],
  ["**/*.go", "a.go", true],
  ["**/*.go", "a/b/c.go", true],
  ["**", "a/b", true],
  ["dir/**", "dir/a/b", true],
  ["a/**/b", "a/b", true],
  ["a/**/b", "a/x/y/b", true],
  ["*.md\n!README.md", "README.md", false],
  ["*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true],
  ["*.md\nREADME-secret.md\n!README*.md", "README-secret.md", false],
  ["# a\nb", "a", false],
  ["[a-c].txt", "b.txt", true],
  ["[^a].txt", "b.txt", true],
  ["a.b", "axb", false],
  ["a\\*b", "a*b", true],
  ["a\\*b", "axb", false],
  ["a+b(c)$", "a+b(c)$", true],
  ["  spaced  ", "spaced", true],
  ["dir\n!dir/keep", "dir/keep/x", false],
  [".", "a", false],
];

test.each(ROWS)("%j: is %s left out? %s", (patterns, path, isLeftOut) => {
  expect(readDockerignore(patterns)(path) !== "keep").toBe(isLeftOut);
});

test("a folder that is left out is looked through only when something may be taken back", () => {
  expect(readDockerignore("dir")("dir")).toBe("drop");
  expect(readDockerignore("dir\n!dir/keep")("dir")).toBe("within");
});

test("a malformed line is named", () => {
  expect(() => readDockerignore("a\n!")).toThrow(".dockerignore line 2");
});
