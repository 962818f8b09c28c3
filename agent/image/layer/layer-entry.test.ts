import { expect, test } from "vitest";
import { type TarEntry, tarEntry } from "../../../lib/tar/entry.js";
import { layerStep, normalisedPath } from "./layer-entry.js";

const refuse = { deviceNodes: "refuse" } as const;

// Every trick by words alone that is refused; tricks with what is on disk stand in unpack-layer.real.test.ts.
const refused: readonly { readonly name: string; readonly entry: TarEntry; readonly want: string }[] = [
  { name: "parent at the start", entry: tarEntry("../a", "file"), want: "leads out by .." },
  { name: "parent that would stay inside", entry: tarEntry("a/../b", "file"), want: "leads out by .." },
  { name: "parent at the end", entry: tarEntry("a/..", "directory"), want: "leads out by .." },
  { name: "parent after a slash", entry: tarEntry("/../a", "file"), want: "leads out by .." },
  { name: "zero byte", entry: tarEntry("a\0b", "file"), want: "zero byte" },
  { name: "path of 5,000 bytes", entry: tarEntry("a/".repeat(2_500), "file"), want: "is a path of 5000 bytes" },
  { name: "name of 300 bytes", entry: tarEntry("a".repeat(300), "file"), want: "has a name of 300 bytes" },
  { name: "root as a file", entry: tarEntry("/", "file"), want: "replaces the root" },
  { name: "root as a symbolic link", entry: tarEntry("./", "symlink", { linkPath: "/" }), want: "replaces the root" },
  { name: "/dev as a symbolic link", entry: tarEntry("dev", "symlink", { linkPath: "/" }), want: "not a directory" },
  {
    name: "/proc as a symbolic link",
    entry: tarEntry("./proc", "symlink", { linkPath: "x" }),
    want: "not a directory",
  },
  { name: "/sys as a file", entry: tarEntry("/sys", "file"), want: "is a file, not a directory" },
  {
    name: "/etc as a hard link",
    entry: tarEntry("etc", "link", { linkPath: "a" }),
    want: "is a link, not a directory",
  },
  { name: "character device", entry: tarEntry("sda", "char", { devMajor: 8 }), want: "is a char device 8:0" },
  { name: "block device", entry: tarEntry("dev/sda", "block", { devMajor: 8 }), want: "is a block device 8:0" },
  { name: "whiteout in overlayfs' own form", entry: tarEntry("a", "char"), want: "is a char device 0:0" },
  { name: "symbolic link to nothing", entry: tarEntry("a", "symlink"), want: "malformed path" },
  {
    name: "symbolic link with a zero byte",
    entry: tarEntry("a", "symlink", { linkPath: "b\0c" }),
    want: "malformed path",
  },
  { name: "hard link by ..", entry: tarEntry("a", "link", { linkPath: "../../etc/shadow" }), want: "leads out by .." },
  { name: "hard link to the root", entry: tarEntry("a", "link", { linkPath: "/" }), want: "to the root" },
  { name: "hard link to itself", entry: tarEntry("a", "link", { linkPath: "./a" }), want: "to itself" },
  { name: "hard link to a whiteout", entry: tarEntry("a", "link", { linkPath: "d/.wh.b" }), want: "to a whiteout" },
  { name: "whiteout of nothing", entry: tarEntry("d/.wh.", "file"), want: "malformed whiteout" },
  { name: "whiteout of the folder itself", entry: tarEntry("d/.wh..", "file"), want: "malformed whiteout" },
  { name: "whiteout of the parent", entry: tarEntry("d/.wh...", "file"), want: "malformed whiteout" },
  { name: "whiteout as a link", entry: tarEntry(".wh.a", "symlink", { linkPath: "b" }), want: "of type symlink" },
  { name: "entry below a whiteout", entry: tarEntry(".wh.a/b", "file"), want: "below a whiteout" },
  { name: "entry below a nested whiteout", entry: tarEntry("a/.wh.b/c", "file"), want: "below a whiteout" },
  { name: "owner −1", entry: tarEntry("a", "file", { uid: 4_294_967_295 }), want: "owned by 4294967295:0" },
  { name: "negative group", entry: tarEntry("a", "file", { gid: -1 }), want: "owned by 0:-1" },
  { name: "overlay redirect", entry: withXattr("trusted.overlay.redirect"), want: "trusted.overlay.redirect" },
  { name: "overlay metacopy", entry: withXattr("user.overlay.metacopy"), want: "user.overlay.metacopy" },
];

function withXattr(name: string): TarEntry {
  return tarEntry("a", "file", { xattrs: new Map([[name, Buffer.from("y")]]) });
}

for (const { name, entry, want } of refused) {
  test(`refused: ${name}`, () => {
    expect(() => layerStep(entry, refuse)).toThrow(want);
    expect(() => layerStep(entry, refuse)).toThrow(expect.objectContaining({ code: "image_refused" }));
  });
}

test("paths are taken relative to the layer's root, whatever they begin with", () => {
  for (const path of ["a/b", "./a/b", "/a/b", "//a//b/", "././a/./b"]) expect(normalisedPath(path)).toBe("a/b");
  for (const path of ["", ".", "./", "/", "//."]) expect(normalisedPath(path)).toBe("");
  for (const path of ["..a", "a..", "...", "a/.b", ".c"]) expect(normalisedPath(path)).toBe(path);
});

test("whiteouts are told from what they hide", () => {
  expect(layerStep(tarEntry("d/.wh.a", "file"), refuse)).toEqual({ do: "whiteout", path: "d/a" });
  expect(layerStep(tarEntry("d/.wh..wh..opq", "file"), refuse)).toEqual({ do: "opaque", path: "d" });
  expect(layerStep(tarEntry(".wh..wh..opq", "file"), refuse)).toEqual({ do: "opaque", path: "" });
  expect(layerStep(tarEntry(".wh..wh.plnk", "directory"), refuse)).toEqual({ do: "skip" });
  expect(layerStep(tarEntry("d/.where", "file"), refuse)).toMatchObject({ do: "place" });
});

test("mount points may be directories, and be hidden", () => {
  expect(layerStep(tarEntry("dev/", "directory"), refuse)).toMatchObject({ do: "place", path: "dev" });
  expect(layerStep(tarEntry(".wh.etc", "file"), refuse)).toEqual({ do: "whiteout", path: "etc" });
  expect(layerStep(tarEntry("usr/etc", "symlink", { linkPath: "/etc" }), refuse)).toMatchObject({ do: "place" });
});

test("labels of the builder's kernel are left out, capabilities and users' attributes are kept", () => {
  const names = ["security.selinux", "security.capability", "system.posix_acl_access", "user.mime"];
  const xattrs = new Map(names.map((name) => [name, Buffer.from("v")]));
  const step = layerStep(tarEntry("a", "file", { xattrs }), refuse);
  expect(step.do === "place" && [...step.entry.xattrs.keys()]).toEqual(["security.capability", "user.mime"]);
});

test("device nodes are left out where the operator says so", () => {
  expect(layerStep(tarEntry("dev/sda", "block"), { deviceNodes: "skip" })).toEqual({ do: "skip" });
});
