import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CompareOrder, treeChanges } from "./tree-changes.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallship-changes-"));
  for (const name of ["now", "before", "written"]) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (path: string): string => join(folder, path);

/** A folder in both. */
const both = (path: string): void => {
  for (const side of ["now", "before"]) mkdirSync(at(`${side}/${path}`));
};

/** One file in both, as the layers of a container's root show it. */
const shared = (path: string): void => {
  writeFileSync(at(`before/${path}`), path);
  linkSync(at(`before/${path}`), at(`now/${path}`));
};

function changes(rest: Partial<CompareOrder> = {}): readonly string[] {
  const order = { root: at("now"), base: at("before"), leavesOut: () => false, ...rest };
  return [...treeChanges(order)].flatMap((change) => (change === undefined ? [] : [`${change.is} ${change.path}`]));
}

test("what was added, changed and deleted is told in order of path, each folder before what it holds", () => {
  for (const path of ["a", "a/deep", "same", "z"]) both(path);
  for (const path of ["a/kept", "a/deep/kept", "same/kept"]) shared(path);
  writeFileSync(at("now/a/deep/new"), "");
  writeFileSync(at("before/a/edited"), "one");
  writeFileSync(at("now/a/edited"), "another");
  writeFileSync(at("before/z/gone"), "");
  mkdirSync(at("before/gone"));
  writeFileSync(at("before/gone/within"), "");
  mkdirSync(at("now/made"));
  symlinkSync("/etc/passwd", at("now/made/link"));
  expect(changes()).toEqual([
    "changed a",
    "changed a/deep",
    "added a/deep/new",
    "changed a/edited",
    "deleted gone",
    "added made",
    "added made/link",
    "changed z",
    "deleted z/gone",
  ]);
});

test("a folder with another mode has changed though nothing in it has, and one whose time alone moved has not", () => {
  for (const path of ["mode", "time"]) both(path);
  chmodSync(at("now/mode"), 0o700);
  writeFileSync(at("now/time/passing"), "");
  rmSync(at("now/time/passing"));
  expect(changes()).toEqual(["changed mode"]);
});

test("what was a folder and is a file has changed, and what it held is not told of; the other way all of it is new", () => {
  mkdirSync(at("before/was-folder"));
  writeFileSync(at("before/was-folder/x"), "");
  writeFileSync(at("now/was-folder"), "");
  writeFileSync(at("before/was-file"), "");
  mkdirSync(at("now/was-file"));
  writeFileSync(at("now/was-file/x"), "");
  expect(changes()).toEqual(["changed was-file", "added was-file/x", "changed was-folder"]);
});

test("where it is known what was written, nothing else is looked at, and deletions are told all the same", () => {
  both("d");
  for (const side of ["now", "before"]) writeFileSync(at(`${side}/d/unwritten`), side);
  for (const side of ["now", "before"]) writeFileSync(at(`${side}/d/written`), side);
  writeFileSync(at("before/d/gone"), "");
  mkdirSync(at("written/d"));
  writeFileSync(at("written/d/written"), "");
  expect(changes({ written: at("written") })).toEqual(["changed d", "deleted d/gone", "changed d/written"]);
});

test("what is left out is not told of, with all below it", () => {
  mkdirSync(at("now/proc"));
  writeFileSync(at("now/proc/x"), "");
  writeFileSync(at("now/other"), "");
  expect(changes({ leavesOut: (path) => path === "proc" })).toEqual(["added other"]);
});

test("owners of a user namespace are compared as it knows them", () => {
  shared("file");
  expect(changes({ ids: { first: 100_000, count: 65_536 } })).toEqual([]);
});
