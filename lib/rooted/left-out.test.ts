import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LeftOut } from "./left-out.js";
import { packTree } from "./pack-tree.js";
import { TreeUnpacker } from "./unpack-tree.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallship-left-"));
  for (const name of ["from", "from/deep", "to"]) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (path: string): string => join(folder, path);

function packed(path: string, left: LeftOut): Buffer {
  return Buffer.concat([...packTree({ root: folder, path, followsLink: false, onLeftOut: left.note })]);
}

function unpacked(archive: Buffer, left: LeftOut): void {
  const unpacker = new TreeUnpacker({ root: folder, path: "to", isAsIs: true, owners: "own" }, left.note);
  unpacker.push(archive);
  unpacker.finish();
  unpacker.close();
}

test("what is no file, folder or link is left out of an archive, and named where it stood", async () => {
  writeFileSync(at("from/deep/file"), "x");
  execFileSync("mkfifo", [at("from/deep/fifo")]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at("from/socket"), resolve));
  const left = new LeftOut();
  try {
    const archive = packed("from", left);
    expect(execFileSync("tar", ["-tf", "-"], { input: archive }).toString().split("\n").sort()).toEqual([
      "",
      "from/",
      "from/deep/",
      "from/deep/file",
    ]);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  expect(left.text).toBe("from/deep/fifo is a fifo and was left out\nfrom/socket is a socket and was left out\n");
});

test("an archive that has such is unpacked without them, and they are named", () => {
  execFileSync("mkfifo", [at("from/fifo")]);
  writeFileSync(at("from/file"), "x");
  const left = new LeftOut();
  unpacked(execFileSync("tar", ["-cf", "-", "-C", at("from"), "fifo", "file"]), left);
  expect([readdirSync(at("to")), left.text]).toEqual([["file"], "fifo is a fifo and was left out\n"]);
});

test("of many the first ten are named and the others counted; of none nothing is said", () => {
  const left = new LeftOut();
  expect(left.text).toBe("");
  for (let number = 1; number <= 12; number += 1) left.note(`d${number}`, "a device");
  const lines = left.text.split("\n");
  expect([lines.length, lines[9], lines[10]]).toEqual([
    12,
    "d10 is a device and was left out",
    "2 more that are no files, folders or links were left out",
  ]);
});
