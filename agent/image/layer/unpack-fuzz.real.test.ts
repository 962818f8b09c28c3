import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Rng, seededRng } from "../../../lib/rng.js";
import { type TarEntry, type TarType, tarEntry } from "../../../lib/tar/entry.js";
import { tarArchive } from "../../../lib/tar/tar-writer.js";
import { digestOf } from "../../../test/kit/built-image.js";
import { describeTree } from "../../../test/kit/describe-tree.js";
import { defaultLayerLimits } from "./layer-limits.js";
import { unpackLayer } from "./unpack-layer.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallship-fuzz-"));
  mkdirSync(join(folder, "outside/deep"), { recursive: true });
  writeFileSync(join(folder, "outside/secret"), "secret");
  writeFileSync(join(folder, "outside/deep/file"), "deep");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const NOTHING = new Uint8Array();

function unpack(tar: Buffer): Promise<unknown> {
  const blobPath = join(folder, "blob");
  writeFileSync(blobPath, tar);
  const targetPath = join(folder, "layer");
  const request = { blobPath, targetPath, diffId: digestOf(tar), limits: defaultLayerLimits(), policy: POLICY };
  return unpackLayer(request, signal);
}

const POLICY = { deviceNodes: "refuse" } as const;

function pick<T>(rng: Rng, from: readonly T[]): T {
  const found = from[rng.below(from.length)];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}

/** A layer of few names, so that entries meet each other, and of every way out that is known. */
function hostileLayer(rng: Rng): Buffer {
  const names = [
    "a",
    "b",
    "c",
    "secret",
    "outside",
    "deep",
    ".",
    "dev",
    ".wh.a",
    ".wh.b",
    ".wh..wh..opq",
    "x".repeat(120),
  ];
  // A way up is rare in names, else everything is refused at once; links may lead anywhere.
  const path = (): string => {
    const parts = Array.from({ length: 1 + rng.below(3) }, () => pick(rng, rng.below(40) === 0 ? [".."] : names));
    return `${pick(rng, ["", "", "./", "/"])}${parts.join("/")}`;
  };
  const target = (): string =>
    pick(rng, [
      path(),
      "../outside",
      "../../outside",
      "../../../outside/secret",
      `${folder}/outside`,
      "/",
      ".",
      "..",
      "a/../..",
    ]);
  const types: readonly TarType[] = [
    "file",
    "file",
    "file",
    "directory",
    "directory",
    "symlink",
    "symlink",
    "link",
    "fifo",
  ];
  const entry = (): readonly [TarEntry, Uint8Array] => {
    const type = pick(rng, types);
    const linkPath = type === "link" ? path() : type === "symlink" ? target() : "";
    const xattrs = rng.below(10) === 0 ? new Map([["user.a", rng.bytes(4)]]) : new Map();
    return [
      tarEntry(path(), type, { linkPath, xattrs, mode: rng.below(0o10000) }),
      type === "file" ? rng.bytes(20) : NOTHING,
    ];
  };
  return tarArchive(Array.from({ length: 2 + rng.below(12) }, entry));
}

for (let seed = 1; seed <= 300; seed += 1) {
  test(`a hostile layer changes nothing outside its root: seed ${seed}`, async () => {
    const tar = hostileLayer(seededRng(seed));
    const before = describeTree(join(folder, "outside"));
    const outcome = await unpack(tar).then(
      () => "unpacked",
      (error: { code?: string }) => error.code,
    );
    // Nothing else may come out: a disk_failed would be a path that the checks let through to the system.
    expect(["unpacked", "image_refused"]).toContain(outcome);
    expect(describeTree(join(folder, "outside"))).toEqual(before);
    expect(readdirSync(folder).sort()).toEqual(
      outcome === "unpacked" ? ["blob", "layer", "outside"] : ["blob", "outside"],
    );
    if (outcome === "unpacked") expect(lstatSync(join(folder, "layer/fs")).isDirectory()).toBe(true);
  });
}

/** A layer as a tool writes it: parents first, each path once. */
function honestLayer(rng: Rng): Buffer {
  const folders = [""];
  const files: string[] = [];
  const entries: (readonly [TarEntry, Uint8Array])[] = [];
  for (let at = 0; at < 60; at += 1) {
    const parent = pick(rng, folders);
    const path = `${parent}${parent === "" ? "" : "/"}${pick(
      rng,
      ["n", "größe", "Z".repeat(90)].map((name) => Buffer.from(name).toString("latin1")),
    )}${at}`;
    const owned = {
      mode: rng.below(0o10000),
      uid: rng.below(70_000),
      gid: rng.below(3),
      mtimeS: rng.below(2_000_000_000),
    };
    const type = pick<TarType>(rng, ["file", "file", "file", "directory", "symlink", "link", "fifo"]);
    if (type === "link" && files.length === 0) continue;
    const linkPath = type === "link" ? pick(rng, files) : type === "symlink" ? "some/where" : "";
    const xattrs = type === "file" && rng.below(8) === 0 ? new Map([["user.k", rng.bytes(9)]]) : new Map();
    entries.push([
      tarEntry(path, type, { ...owned, linkPath, xattrs }),
      type === "file" ? rng.bytes(rng.below(3_000)) : NOTHING,
    ]);
    if (type === "directory") folders.push(path);
    if (type === "file") files.push(path);
  }
  return tarArchive(entries);
}

for (let seed = 1; seed <= 25; seed += 1) {
  test(`an honest layer unpacks to what GNU tar makes of it: seed ${seed}`, async () => {
    const tar = honestLayer(seededRng(seed));
    await unpack(tar);
    const reference = join(folder, "reference");
    mkdirSync(reference);
    const flags = [
      "--same-owner",
      "--same-permissions",
      "--numeric-owner",
      "--xattrs",
      "--xattrs-include=*",
      "--delay-directory-restore",
    ];
    execFileSync("tar", ["-x", "-f", join(folder, "blob"), "-C", reference, ...flags]);
    // Without the root, which no entry describes.
    const tree = describeTree(join(folder, "layer/fs")).slice(1);
    expect(tree).toEqual(describeTree(reference).slice(1));
    expect(tree.length).toBeGreaterThan(40);
  });
}
