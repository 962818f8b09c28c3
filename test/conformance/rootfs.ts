import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { LocalImage, RootFs, RootFsDriver } from "../../agent/image/images.js";
import { defaultLayerLimits } from "../../agent/image/layer/layer-limits.js";
import { type UnpackedLayer, unpackLayer } from "../../agent/image/layer/unpack-layer.js";
import type { RunCommand } from "../../agent/image/run-command.js";
import { type TarEntry, type TarType, tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import { digestOf } from "../kit/built-image.js";
import { describeTree } from "../kit/describe-tree.js";
import { type MountNamespace, openMountNamespace } from "../kit/mount-namespace.js";

/** What a driver is made with. */
export interface RootFsHarness {
  readonly folder: string;
  /** What a layer of a test hides. */
  readonly hiddenBy: (layerPath: string) => UnpackedLayer;
  /** Runs programs in the mount namespace of the test. */
  readonly run: RunCommand;
}

type Entries = readonly (readonly [TarEntry, Uint8Array])[];

const entry = (path: string, type: TarType, rest: Partial<TarEntry> = {}) =>
  [tarEntry(path, type, { mtimeS: 1_000, ...rest }), new Uint8Array()] as const;
const file = (path: string, text: string, rest: Partial<TarEntry> = {}) =>
  [tarEntry(path, "file", { mtimeS: 1_000, ...rest }), Buffer.from(text)] as const;

/** What every driver of root file systems promises. `fileSystem` is what its folder is on. */
export function rootFsConformance(
  name: string,
  fileSystem: "host" | "btrfs",
  makeDriver: (harness: RootFsHarness) => RootFsDriver,
): void {
  describe(`root file system: ${name}`, () => {
    let namespace: MountNamespace;
    let folder: string;
    let driver: RootFsDriver;
    let layerCount = 0;
    const layers = new Map<string, UnpackedLayer>();
    const mounted = new Set<string>();

    beforeAll(async () => {
      namespace = await openMountNamespace(fileSystem);
    });
    afterAll(() => namespace.close());
    beforeEach(() => {
      folder = join(namespace.folder, `t${layerCount}`);
      mkdirSync(join(folder, "layers"), { recursive: true });
      driver = makeDriver({
        folder: join(folder, "rootfs"),
        run: async (program, args) => {
          await namespace.run("/", program, args);
        },
        hiddenBy: (path) => layers.get(path) ?? { opaque: [], whiteouts: [], unpackedBytes: 0, entryCount: 0 },
      });
    });
    afterEach(async () => {
      for (const path of [...mounted]) await unmount(path);
      for (const id of await driver.list()) await driver.remove(id);
    });

    /** An image of layers, the lowest first. */
    async function imageOf(...contents: readonly Entries[]): Promise<LocalImage> {
      const paths: string[] = [];
      for (const entries of contents) paths.unshift(await layerOf(entries));
      const config = { entrypoint: [], command: [], env: [], workingDir: "", user: "", stopSignal: "", labels: {} };
      return { reference: "test", digest: digestOf(Buffer.from(paths.join())), config, layerPaths: paths };
    }

    async function layerOf(entries: Entries): Promise<string> {
      layerCount += 1;
      const tar = tarArchive(entries);
      const [blobPath, targetPath] = [join(folder, "blob"), join(folder, "layers", String(layerCount))];
      writeFileSync(blobPath, tar);
      const request = { blobPath, targetPath, diffId: digestOf(tar), limits: defaultLayerLimits() };
      const unpacked = await unpackLayer(
        { ...request, policy: { deviceNodes: "refuse" } },
        new AbortController().signal,
      );
      layers.set(`${targetPath}/fs`, unpacked);
      return `${targetPath}/fs`;
    }

    async function mount({ path, mount: what }: RootFs): Promise<string> {
      if (what === undefined) return path;
      await namespace.run(what.cwd, "mount", ["-t", what.type, "-o", what.options, what.source, path]);
      mounted.add(path);
      return path;
    }

    async function unmount(path: string): Promise<void> {
      if (mounted.delete(path)) await namespace.run("/", "umount", [path]);
    }

    const start = async (id: string, image: LocalImage): Promise<string> => mount(await driver.prepare(id, image));

    test("what is seen is the layers stacked: later files, no deleted ones, nothing below an opaque folder", async () => {
      const image = await imageOf(
        [
          entry("./", "directory"),
          entry("a", "directory", { mode: 0o700 }),
          file("a/kept", "kept", { mode: 0o4755, uid: 7, gid: 8 }),
          entry("a/alias", "link", { linkPath: "a/kept" }),
          file("a/changed", "old"),
          file("a/gone", "gone"),
          entry("gone", "directory"),
          file("gone/too", "gone"),
          entry("opaque", "directory"),
          file("opaque/hidden", "hidden"),
          entry("dir-file", "directory"),
          file("dir-file/x", "x"),
          file("file-dir", "file"),
          entry("link-dir", "symlink", { linkPath: "a" }),
          file("link-file", "target"),
        ],
        [
          entry("a", "directory", { mode: 0o750, mtimeS: 2_000 }),
          file("a/changed", "new"),
          file("a/.wh.gone", ""),
          file(".wh.gone", ""),
          entry("opaque", "directory"),
          file("opaque/.wh..wh..opq", ""),
          file("opaque/seen", "seen"),
          file("dir-file", "now a file"),
          entry("file-dir", "directory"),
          file("file-dir/y", "y"),
          entry("link-dir", "directory"),
          file("link-dir/z", "z"),
          entry("link-file", "symlink", { linkPath: "/etc/passwd" }),
        ],
        [file("a/third", "third")],
      );
      // The model: one layer that says the same. What a driver shows of both must be equal.
      const flat = await imageOf([
        entry("./", "directory"),
        entry("a", "directory", { mode: 0o750, mtimeS: 2_000 }),
        file("a/kept", "kept", { mode: 0o4755, uid: 7, gid: 8 }),
        entry("a/alias", "link", { linkPath: "a/kept" }),
        file("a/changed", "new"),
        file("a/third", "third"),
        entry("opaque", "directory"),
        file("opaque/seen", "seen"),
        file("dir-file", "now a file"),
        entry("file-dir", "directory"),
        file("file-dir/y", "y"),
        entry("link-dir", "directory"),
        file("link-dir/z", "z"),
        entry("link-file", "symlink", { linkPath: "/etc/passwd" }),
      ]);
      // The third layer lists no folder: its own "a" has the time and mode of its making.
      const shown = (lines: readonly string[]): readonly string[] => lines.filter((line) => !/^(a)? /.test(line));
      const stacked = describeTree(await start("stacked", image));
      expect(shown(stacked)).toEqual(shown(describeTree(await start("flat", flat))));
      expect(stacked.length).toBe(14);
    });

    test("what one container writes is seen by no other, nor by the image", async () => {
      const image = await imageOf([file("shared", "image"), entry("d", "directory"), file("d/x", "x")]);
      const before = image.layerPaths.flatMap((path) => describeTree(path));
      const [one, other] = [await start("one", image), await start("other", image)];
      writeFileSync(join(one, "shared"), "mine");
      rmSync(join(one, "d"), { recursive: true });
      writeFileSync(join(one, "new"), "new");
      expect([readFileSync(join(other, "shared"), "utf8"), readdirSync(other).sort()]).toEqual([
        "image",
        ["d", "shared"],
      ]);
      expect(image.layerPaths.flatMap((path) => describeTree(path))).toEqual(before);
    });

    test("preparing again gives the same root with what the container wrote", async () => {
      const image = await imageOf([file("a", "a")]);
      const first = await driver.prepare("c", image);
      const path = await mount(first);
      writeFileSync(join(path, "written"), "kept");
      await unmount(path);
      expect([await driver.prepare("c", image), await driver.find("c")]).toEqual([first, first]);
      expect(await driver.find("never-was")).toBeUndefined();
      expect(readFileSync(join(await mount(first), "written"), "utf8")).toBe("kept");
    });

    test("what a container has made of its image is seen beside it, and the image as it was", async () => {
      const image = await imageOf(
        [entry("./", "directory"), entry("d", "directory"), file("d/x", "x"), file("gone", "gone")],
        [file("top", "top")],
      );
      const fresh = describeTree(await start("fresh", image));
      const path = await start("c", image);
      writeFileSync(join(path, "d/x"), "changed");
      writeFileSync(join(path, "new"), "new");
      rmSync(join(path, "gone"));
      const left = describeTree(path);
      await unmount(path);
      const compared = await driver.compare("c", image);
      const seen = async (root: RootFs | undefined): Promise<readonly string[]> => {
        if (root === undefined) return [];
        const lines = describeTree(await mount(root));
        await unmount(root.path);
        return lines;
      };
      // The topmost folder is the driver's own: of the container, not of the image.
      const below = (lines: readonly string[]): readonly string[] => lines.filter((line) => !line.startsWith(" "));
      expect(below(await seen(compared?.now))).toEqual(below(left));
      expect(below(await seen(compared?.before))).toEqual(below(fresh));
      expect(await driver.compare("never-was", image)).toBeUndefined();
    });

    test("removing twice is removing once, and a new root of the name is empty of the old", async () => {
      const image = await imageOf([file("a", "a")]);
      await driver.remove("never-was");
      const path = await start("c", image);
      writeFileSync(join(path, "written"), "old");
      await unmount(path);
      await driver.remove("c");
      await driver.remove("c");
      expect(await driver.list()).toEqual([]);
      expect(readdirSync(await start("c", image))).toEqual(["a"]);
    });

    test("the list is of the containers that have a root, sorted", async () => {
      expect(await driver.list()).toEqual([]);
      const image = await imageOf([file("a", "a")]);
      for (const id of ["b", "a", "c"]) await driver.prepare(id, image);
      expect(await driver.list()).toEqual(["a", "b", "c"]);
    });

    test("several roots of one new image may be prepared at once", async () => {
      const image = await imageOf([file("a", "a")], [file("b", "b")]);
      const ids = ["1", "2", "3", "4", "5"];
      for (const path of await Promise.all(ids.map((id) => start(id, image)))) {
        expect(readdirSync(path).sort()).toEqual(["a", "b"]);
      }
    });

    test("an image of 200 layers works", async () => {
      const image = await imageOf(...Array.from({ length: 200 }, (_, at) => [file(`f${at}`, String(at))]));
      expect(readdirSync(await start("many", image)).length).toBe(200);
    });

    test("an image without layers is an empty root", async () => {
      const path = await start("empty", await imageOf());
      expect(readdirSync(path)).toEqual([]);
      writeFileSync(join(path, "a"), "a");
    });

    test("the root itself can be entered by any user", async () => {
      const path = await start("c", await imageOf([entry("./", "directory", { mode: 0o755 }), file("a", "a")]));
      expect(statSync(path).mode & 0o777).toBe(0o755);
    });

    test("layers that are not in use may go, and a container goes on", async () => {
      const image = await imageOf([file("a", "a")]);
      const path = await start("c", image);
      const inUse = new Set(await driver.layersInUse());
      for (const each of image.layerPaths.filter((layer) => !inUse.has(layer))) rmSync(each, { recursive: true });
      await driver.prune();
      expect(readFileSync(join(path, "a"), "utf8")).toBe("a");
      await unmount(path);
      await driver.remove("c");
      expect(await driver.layersInUse()).toEqual([]);
    });
  });
}
