import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ERRORS, type ErrorCode, TallshipError } from "../lib/errors.js";
import { ROOT } from "../test/kit/root.js";
import { EXIT, exitCodeOf } from "./exit-codes.js";
import { usageError } from "./verb.js";

test("the README lists every exit code and no other", () => {
  const readme = readFileSync(join(ROOT, "cli/README.md"), "utf8");
  const listed = [...readme.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(listed).toEqual(Object.values(EXIT).sort((left, right) => left - right));
});

test("every failure has an exit code that is not success", () => {
  const known = new Set<number>(Object.values(EXIT));
  for (const code of Object.keys(ERRORS)) {
    // The keys of ERRORS are its codes.
    const exitCode = exitCodeOf(new TallshipError(code as ErrorCode, ""));
    expect(known.has(exitCode) && exitCode !== EXIT.ok).toBe(true);
  }
  expect(exitCodeOf(usageError(""))).toBe(EXIT.usage);
});
