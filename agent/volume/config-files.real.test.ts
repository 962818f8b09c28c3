import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { writeConfigFiles } from "./config-files.js";

const folder = mkdtempSync(join(tmpdir(), "config-files-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (contents: Readonly<Record<string, string>>): void =>
  writeConfigFiles(
    folder,
    Object.entries(contents).map(([path, text]) => ({ path, bytes: Buffer.from(text), mode: 0o644 })),
    undefined,
  );
const shown = (): readonly string[] => readdirSync(folder).filter((name) => !name.startsWith(".."));

test("new contents take the place of the old as a whole; keys that are gone are not shown any more; an open file stays what it was", () => {
  write({ kept: "one", gone: "x", "deep/key": "y" });
  expect(shown()).toEqual(["deep", "gone", "kept"]);
  const open = openSync(join(folder, "kept"), "r");
  write({ kept: "two", fresh: "z" });
  expect(shown()).toEqual(["fresh", "kept"]);
  expect(readFileSync(join(folder, "kept"), "utf8")).toBe("two");
  expect(readFileSync(open, "utf8")).toBe("one");
  closeSync(open);
  expect(readdirSync(folder).filter((name) => name.startsWith(".."))).toHaveLength(2);
});
