import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeFolder } from "./remove-folder.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallship-remove-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([0, 3, 199, 2_000])("a folder goes with the %s files in it, and links are not followed", async (count) => {
  const kept = join(folder, "kept");
  mkdirSync(kept);
  writeFileSync(join(kept, "file"), "");
  const doomed = join(folder, "doomed");
  mkdirSync(join(doomed, "a/b"), { recursive: true });
  symlinkSync(kept, join(doomed, "a/link"));
  for (let at = 0; at < count; at += 1) writeFileSync(join(doomed, "a/b", String(at)), "");
  await removeFolder(doomed);
  expect(existsSync(doomed)).toBe(false);
  expect(existsSync(join(kept, "file"))).toBe(true);
});

test("a folder that is not there is none to remove; a file goes too", async () => {
  await removeFolder(join(folder, "none"));
  writeFileSync(join(folder, "file"), "");
  await removeFolder(join(folder, "file"));
  expect(existsSync(join(folder, "file"))).toBe(false);
});
