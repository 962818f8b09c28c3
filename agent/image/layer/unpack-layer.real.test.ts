import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TarEntry, tarEntry } from "../../../lib/tar/entry.js";
import { tarArchive } from "../../../lib/tar/tar-writer.js";
import { digestOf } from "../../../test/kit/built-image.js";
import { describeTree } from "../../../test/kit/describe-tree.js";
import { openMountNamespace } from "../../../test/kit/mount-namespace.js";
import { defaultLayerLimits, type LayerLimits } from "./layer-limits.js";
import { type UnpackedLayer, unpackLayer } from "./unpack-layer.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallship-unpack-"));
  mkdirSync(join(folder, "outside"));
  writeFileSync(join(folder, "outside/secret"), "secret");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Entries = readonly (readonly [TarEntry, Uint8Array])[];
const nothing = new Uint8Array();
const file = (path: string, text = "x", rest: Partial<TarEntry> = {}): readonly [TarEntry, Uint8Array] => [
  tarEntry(path, "file", rest),
  Buffer.from(text),
];
const dir = (path: string, rest: Partial<TarEntry> = {}) => [tarEntry(path, "directory", rest), nothing] as const;
const symlink = (path: string, linkPath: string) => [tarEntry(path, "symlink", { linkPath }), nothing] as const;
const link = (path: string, linkPath: string) => [tarEntry(path, "link", { linkPath }), nothing] as const;

function unpack(blob: Buffer, diffId: string, limits: Partial<LayerLimits> = {}): Promise<UnpackedLayer> {
  const blobPath = join(folder, "blob");
  writeFileSync(blobPath, blob);
  const request = {
    ...{ blobPath, diffId, targetPath: join(folder, "layer"), policy: { deviceNodes: "refuse" } as const },
    limits: { ...defaultLayerLimits(), ...limits },
  };
  return unpackLayer(request, new AbortController().signal);
}

function unpackEntries(entries: Entries, limits: Partial<LayerLimits> = {}): Promise<UnpackedLayer> {
  const tar = tarArchive(entries);
  return unpack(gzipSync(tar), digestOf(tar), limits);
}

const at = (path: string): string => join(folder, "layer/fs", path);
const text = (path: string): string => readFileSync(at(path), "utf8");

test("content, owners, modes, times and links are as in the archive", async () => {
  await unpackEntries([
    dir("./", { mode: 0o711 }),
    dir("tmp/", { mode: 0o1777, mtimeS: 1_000_000 }),
    file("tmp/su", "#!", { mode: 0o4755, uid: 1000, gid: 4_000_000_000, mtimeS: 1_234_567.25 }),
    symlink("tmp/link", "/etc/passwd"),
    link("tmp/hard", "/tmp/su"),
    file("no/parent/listed", "deep"),
    file("größe".normalize("NFC"), "umlaut"),
    [tarEntry("pipe", "fifo", { mode: 0o620, uid: 7 }), nothing],
    link("pipe2", "pipe"),
  ]);
  expect(statSync(at(".")).mode & 0o7777).toBe(0o711);
  const su = statSync(at("tmp/su"));
  expect([su.mode & 0o7777, su.uid, su.gid, su.mtimeMs, su.nlink]).toEqual([
    0o4755, 1000, 4_000_000_000, 1_234_567_250, 2,
  ]);
  expect(statSync(at("tmp/hard")).ino).toBe(su.ino);
  expect(readlinkSync(at("tmp/link"))).toBe("/etc/passwd");
  const tmp = statSync(at("tmp"));
  expect([tmp.mode & 0o7777, tmp.mtimeMs]).toEqual([0o1777, 1_000_000_000]);
  expect(text("no/parent/listed")).toBe("deep");
  const pipe = lstatSync(at("pipe"));
  expect([pipe.isFIFO(), pipe.mode & 0o777, pipe.uid, pipe.nlink]).toEqual([true, 0o620, 7, 2]);
});

test("whiteouts become character devices, opaque folders carry overlayfs' attribute", async () => {
  const layer = await unpackEntries([
    dir("a", { mode: 0o750, uid: 5, mtimeS: 77 }),
    file("a/.wh..wh..opq"),
    file("a/.wh.gone"),
    file("a/kept", "kept"),
    file("new/.wh.old"),
    file(".wh.both"),
    dir("both"),
    file(".wh.file"),
    file("file", "new"),
  ]);
  expect(layer.opaque).toEqual(["a", "both"]);
  expect(layer.whiteouts).toEqual(["a/gone", "new/old"]);
  for (const path of ["a/gone", "new/old"]) {
    const found = lstatSync(at(path));
    expect([found.isCharacterDevice(), found.rdev]).toEqual([true, 0]);
  }
  const a = statSync(at("a"));
  expect([a.mode & 0o777, a.uid, a.mtimeMs]).toEqual([0o750, 5, 77_000]);
  expect(text("file")).toBe("new");
  const names = execFileSync("tar", [
    "-C",
    at("."),
    "--xattrs",
    "--xattrs-include=*",
    "-cf",
    "-",
    "a",
    "both",
  ]).toString("latin1");
  expect(names.match(/SCHILY\.xattr\.trusted\.overlay\.opaque=y/g)?.length).toBe(2);
});

test("file capabilities are set, on every name of the file", async () => {
  // Version 2, cap_net_raw+ep.
  const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
  const xattrs = new Map([["security.capability", capability]]);
  await unpackEntries([
    file("ping", "p".repeat(5_000), { xattrs, mode: 0o755, uid: 3, mtimeS: 99 }),
    link("ping6", "ping"),
    link("ping4", "/ping6"),
  ]);
  const archive = execFileSync("tar", ["-C", at("."), "--xattrs", "--xattrs-include=*", "-cf", "-", "ping6"]).toString(
    "latin1",
  );
  expect(archive).toContain(`SCHILY.xattr.security.capability=${capability.toString("latin1")}`);
  const ping = statSync(at("ping"));
  expect([ping.size, ping.nlink, ping.uid, ping.mtimeMs, ping.mode & 0o777]).toEqual([5_000, 3, 3, 99_000, 0o755]);
});

test("a later entry replaces an earlier one, and never writes through it", async () => {
  await unpackEntries([
    file("one", "first"),
    link("alias", "one"),
    file("one", "second"),
    symlink("s", "one"),
    file("s", "no link"),
    dir("d"),
    file("d/inner"),
    file("d", "file now"),
    file("f"),
    dir("f"),
    file("f/inner", "in"),
  ]);
  expect([text("one"), text("alias"), text("s"), text("d"), text("f/inner")]).toEqual([
    ...["second", "first", "no link", "file now", "in"],
  ]);
});

// Tricks that need something on disk first; none may touch `outside`.
const tricks: readonly { readonly name: string; readonly entries: () => Entries; readonly want: string }[] = [
  {
    name: "file through an absolute link",
    entries: () => [symlink("l", `${folder}/outside`), file("l/secret")],
    want: "but is none",
  },
  {
    name: "file through a relative link",
    entries: () => [symlink("l", "../../outside"), file("l/secret")],
    want: "but is none",
  },
  { name: "file through a link to the root", entries: () => [symlink("l", "."), file("l/a")], want: "but is none" },
  { name: "folder through a link", entries: () => [symlink("l", "../../outside"), dir("l/x")], want: "but is none" },
  {
    name: "whiteout through a link",
    entries: () => [symlink("l", "../../outside"), file("l/.wh.secret")],
    want: "but is none",
  },
  {
    name: "opaque through a link",
    entries: () => [symlink("l", "../../outside"), file("l/.wh..wh..opq")],
    want: "but is none",
  },
  {
    name: "hard link through a link",
    entries: () => [symlink("l", "../../outside"), link("h", "l/secret")],
    want: "but is none",
  },
  { name: "hard link to what is not there", entries: () => [link("h", "etc/shadow")], want: "is not there" },
  { name: "hard link to a folder", entries: () => [dir("d"), link("h", "d")], want: "to what is no file" },
  {
    name: "fifo through a link",
    entries: () => [symlink("l", "../../outside"), [tarEntry("l/p", "fifo"), nothing]],
    want: "but is none",
  },
  {
    name: "known folder that becomes a link",
    entries: () => [dir("d"), file("d/a"), symlink("d", "../../outside"), file("d/secret")],
    want: "but is none",
  },
  {
    name: "known deep folder whose parent becomes a link",
    entries: () => [file("d/e/a"), symlink("d", "../.."), file("d/outside/secret")],
    want: "but is none",
  },
  {
    name: "folder of a fifo that becomes a link before fifos are made",
    entries: () => [[tarEntry("d/p", "fifo"), nothing], symlink("d", "../../outside"), file(".wh.x")],
    want: "",
  },
  {
    name: "folder of a whiteout that becomes a link before whiteouts are made",
    entries: () => [file("d/.wh.secret"), symlink("d", "../../outside")],
    want: "",
  },
  {
    name: "content after a link to a file",
    entries: () => [symlink("l", "../../outside/secret"), file("l", "y")],
    want: "",
  },
  {
    name: "folder over a link",
    entries: () => [symlink("l", "../../outside"), dir("l"), file("l/secret", "in")],
    want: "",
  },
];

for (const { name, entries, want } of tricks) {
  test(`nothing outside is touched: ${name}`, async () => {
    const before = describeTree(join(folder, "outside"));
    const outcome = await unpackEntries(entries()).then(
      () => "",
      (error: unknown) => String(error),
    );
    expect(outcome).toContain(want);
    if (want !== "") expect(existsSync(join(folder, "layer"))).toBe(false);
    expect(describeTree(join(folder, "outside"))).toEqual(before);
  });
}

const bombs = [
  { name: "bytes", limits: { unpackedBytes: 1_000 }, entries: [file("a", "x".repeat(5_000))], want: "bytes unpacked" },
  {
    name: "entries",
    limits: { entryCount: 3 },
    entries: [file("a"), file("b"), file("c"), file("d")],
    want: "3 entries",
  },
  {
    name: "ratio",
    limits: { ratio: 100 },
    entries: [[tarEntry("a", "file"), Buffer.alloc(70_000_000)] as const],
    want: "more than 100 times",
  },
  {
    name: "names",
    limits: { heldBytes: 100 },
    entries: [dir("a".repeat(90)), dir("b".repeat(90))],
    want: "bytes of names",
  },
];

for (const { name, limits, entries, want } of bombs) {
  test(`a bomb by ${name} is refused and leaves nothing`, async () => {
    await expect(unpackEntries(entries, limits)).rejects.toMatchObject({ code: "image_refused" });
    await expect(unpackEntries(entries, limits)).rejects.toThrow(want);
    expect(existsSync(join(folder, "layer"))).toBe(false);
  });
}

test("a layer that does not have its diff id leaves nothing", async () => {
  const tar = tarArchive([file("a")]);
  await expect(unpack(gzipSync(tar), digestOf(Buffer.from("other")))).rejects.toMatchObject({
    code: "image_digest_mismatch",
  });
  expect(existsSync(join(folder, "layer"))).toBe(false);
});

test("bytes after the end of the archive count for the diff id", async () => {
  const tar = Buffer.concat([tarArchive([file("a")]), Buffer.alloc(10_240)]);
  await unpack(tar, digestOf(tar));
  expect(text("a")).toBe("x");
});

test("a layer may be gzip of several members, zstd, or plain", async () => {
  const tar = tarArchive([file("a", "a".repeat(100_000)), file("b")]);
  const diffId = digestOf(tar);
  const blobs = [
    Buffer.concat([gzipSync(tar.subarray(0, 50_000)), gzipSync(tar.subarray(50_000))]),
    execFileSync("zstd", ["--quiet", "--stdout"], { input: tar }),
    tar,
  ];
  for (const blob of blobs) {
    await unpack(blob, diffId);
    expect(text("a").length).toBe(100_000);
    rmSync(join(folder, "layer"), { recursive: true });
  }
});

test("a blob that is cut or damaged is refused", async () => {
  const tar = tarArchive([file("a", "a".repeat(100_000))]);
  const blobs = [
    gzipSync(tar).subarray(0, 80),
    execFileSync("zstd", ["-q", "-c"], { input: tar }).subarray(0, 20),
    tar.subarray(0, 700),
  ];
  for (const blob of blobs) {
    await expect(unpack(blob, digestOf(tar))).rejects.toMatchObject({ code: "image_refused" });
    expect(existsSync(join(folder, "layer"))).toBe(false);
  }
});

test("sparse files of every kind that GNU tar writes keep their holes", async () => {
  const source = join(folder, "source");
  mkdirSync(source);
  const sparse = join(source, "sparse");
  writeFileSync(sparse, "");
  for (let index = 0; index < 60; index += 1) {
    execFileSync(
      "dd",
      [`of=${sparse}`, "bs=4096", `seek=${index * 50 + 1}`, "count=1", "conv=notrunc", "status=none"],
      {
        input: Buffer.alloc(4_096, index + 1),
      },
    );
  }
  execFileSync("truncate", ["-s", "20000000", sparse]);
  const want = digestOf(readFileSync(sparse));
  for (const form of [["--format=gnu"], ["--sparse-version=0.0"], ["--sparse-version=0.1"], ["--sparse-version=1.0"]]) {
    const format = form[0] === "--format=gnu" ? [] : ["--format=posix"];
    const tar = execFileSync("tar", [...format, ...form, "-S", "-C", source, "-cf", "-", "sparse"], {
      maxBuffer: 1 << 26,
    });
    await unpack(tar, digestOf(tar));
    const found = statSync(at("sparse"));
    expect([found.size, digestOf(readFileSync(at("sparse")))]).toEqual([20_000_000, want]);
    expect(found.blocks * 512).toBeLessThan(1_000_000);
    rmSync(join(folder, "layer"), { recursive: true });
  }
});

test("a full disk while attributes are set is disk_failed too", async () => {
  const tiny = await openMountNamespace("tiny");
  const xattrs = new Map([["user.a", Buffer.from("b")]]);
  // The file fits, its copy for tar does not.
  const tar = tarArchive([file("a", "a".repeat(600_000), { xattrs })]);
  const blobPath = join(folder, "blob");
  writeFileSync(blobPath, tar);
  const request = { blobPath, diffId: digestOf(tar), targetPath: join(tiny.folder, "layer") };
  const rest = { policy: { deviceNodes: "refuse" } as const, limits: defaultLayerLimits() };
  const unpacking = unpackLayer({ ...request, ...rest }, new AbortController().signal);
  await expect(unpacking).rejects.toMatchObject({ code: "disk_failed", message: expect.stringMatching(/ENOSPC/) });
  expect(readdirSync(tiny.folder)).toEqual([]);
  await tiny.close();
});

test("a full disk is disk_failed, and nothing of the layer is left on it", async () => {
  const tiny = await openMountNamespace("tiny");
  const tar = tarArchive([file("a"), file("b", "b".repeat(2_000_000))]);
  const blobPath = join(folder, "blob");
  writeFileSync(blobPath, tar);
  const request = { blobPath, diffId: digestOf(tar), targetPath: join(tiny.folder, "layer") };
  const rest = { policy: { deviceNodes: "refuse" } as const, limits: defaultLayerLimits() };
  const unpacking = unpackLayer({ ...request, ...rest }, new AbortController().signal);
  await expect(unpacking).rejects.toMatchObject({ code: "disk_failed", message: expect.stringMatching(/ENOSPC/) });
  expect(readdirSync(tiny.folder)).toEqual([]);
  await tiny.close();
});
