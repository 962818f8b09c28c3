import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { CommitTask } from "../../proto/gen/tallship/v1/streams.js";
import { ociArchive } from "../../test/kit/image-archive.js";
import { buildImage, builtLayer } from "../../test/kit/image-builder.js";
import { ImageWorld } from "../../test/kit/image-world.js";
import { waitFor } from "../../test/kit/wait.js";
import { parentOf } from "../../test/testbed/processes.js";
import type { RootFsDriver } from "../image/images.js";
import { newRecord, withContainer } from "../pod-record.js";
import { rootIdOf } from "../root-id.js";
import { commit } from "./commit.js";
import { ownRoot } from "./own-root.js";

const { signal } = new AbortController();
let world: ImageWorld;
beforeEach(() => {
  world = new ImageWorld();
});
afterEach(() => world.close());

const file = (path: string, text: string) => [tarEntry(path, "file", { mtimeS: 1_000 }), Buffer.from(text)] as const;
const folder = (path: string) => [tarEntry(`${path}/`, "directory"), Buffer.alloc(0)] as const;
const layer = (...entries: readonly ReturnType<typeof file>[]) => builtLayer(tarArchive(entries), "none");

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A container named web of an image of two layers, which has written: its folder on the disk is what overlayfs leaves. */
async function writtenContainer() {
  const image = buildImage({
    layers: [
      layer(folder("etc"), file("etc/kept", "kept"), file("etc/edited", "old"), folder("srv"), file("srv/gone", "x")),
      layer(file("top", "top"), folder("whole"), file("whole/a", "a")),
    ],
    architecture: "amd64",
    config: { Cmd: ["serve"], Env: ["A=1"] },
  });
  const options = { names: [], signal, onProgress: () => undefined };
  const [loaded] = await world.images.load(pieces(ociArchive(image, "app:v1")), options);
  const digest = loaded?.spec.digest ?? "";
  const container = {
    name: "web",
    image: "app:v1",
    args: ["serve", "-v"],
    volumeMounts: [{ name: "d", mountPath: "/data" }],
  };
  const pod = Pod.fromPartial({ metadata: { uid: "u1", name: "web" }, spec: { containers: [container] } });
  const record = withContainer(newRecord({ uid: "u1", namespace: "default", name: "web" }, 0), "web", {
    imageDigest: digest,
  });
  const local = world.images.lookup({ reference: `app@${digest}`, policy: "IfNotPresent", credentials: {} });
  if (local === undefined) throw new Error("the image is not there");
  const id = rootIdOf({ podUid: "u1", container: "web", attempt: 0 }, pod);
  await world.rootFs.prepare(id, local);
  const upper = join(world.folder, "rootfs", id, "upper");
  for (const path of ["etc", "srv", "data", "proc"]) mkdirSync(join(upper, path));
  writeFileSync(join(upper, "etc/edited"), "new");
  writeFileSync(join(upper, "etc/hosts"), "");
  writeFileSync(join(upper, "srv/made"), "made");
  for (const path of ["srv/gone", "whole"]) execFileSync("mknod", [join(upper, path), "c", "0", "0"]);
  const parts = {
    loop: { get: () => ({ desired: pod, record }) as never },
    ...{ images: world.images, library: world.images, rootfs: world.rootFs, idsOf: () => undefined },
  };
  return { parts, upper };
}

const listed = (archive: Uint8Array): readonly string[] =>
  execFileSync("tar", ["-tf", "-"], { input: archive }).toString().trim().split("\n").sort();

async function gathered(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

test("a container's changes are what it wrote and deleted, not what is mounted in it or made for that", async () => {
  const { parts } = await writtenContainer();
  const root = await ownRoot(parts, "u1", "web");
  const seen: string[] = [];
  for await (const { is, path } of root.changes(signal)) seen.push(`${is} ${path}`);
  expect(seen).toEqual([
    "changed etc",
    "changed etc/edited",
    "changed srv",
    "deleted srv/gone",
    "added srv/made",
    "deleted whole",
  ]);
});

test("where one of two roots cannot be mounted the other is let go of", async () => {
  const { parts } = await writtenContainer();
  const compare: RootFsDriver["compare"] = async (id) => {
    const found = await parts.rootfs.compare(id);
    const missing = { path: "/nowhere", mount: { type: "overlay", source: "overlay", options: "ro", cwd: "/" } };
    return found && { ...found, before: missing };
  };
  const root = await ownRoot({ ...parts, rootfs: { compare } }, "u1", "web");
  await expect(root.changes(signal).next()).rejects.toMatchObject({ code: "kernel_failed" });
  const held = (): readonly string[] => readdirSync("/proc").filter((id) => parentOf(Number(id)) === process.pid);
  await waitFor("nothing to hold a root", () => held().length === 0);
});

test("the archive of a container has all of its files, by their own names", async () => {
  const { parts } = await writtenContainer();
  const root = await ownRoot(parts, "u1", "web");
  const archive = await gathered(root.archive(signal));
  expect(listed(archive)).toEqual(
    ["data/", "etc/", "etc/edited", "etc/hosts", "etc/kept", "proc/", "srv/", "srv/made", "top"].sort(),
  );
  expect(execFileSync("tar", ["-xOf", "-", "etc/edited"], { input: archive }).toString()).toBe("new");
});

test("an image of a container shows its files and runs as it ran", async () => {
  const { parts } = await writtenContainer();
  const task = CommitTask.fromPartial({
    container: "web",
    names: ["docker.io/library/app:v2"],
    changes: ["ENV B=2"],
    isOwn: true,
  });
  for await (const { part } of commit(parts, "u1", task, signal))
    if (part?.$case === "loaded") expect(part.value.names).toEqual(["docker.io/library/app:v2"]);
  const made = world.images.lookup({ reference: "app:v2", policy: "IfNotPresent", credentials: {} });
  expect(made?.layerPaths).toHaveLength(3);
  expect(made?.config).toMatchObject({ command: ["serve", "-v"], env: ["A=1", "B=2"] });
  // A container of the new image begins with what the first had made of the old.
  if (made === undefined) throw new Error("the image was not made");
  await world.rootFs.prepare("u2_web_0", made);
  const pod = Pod.fromPartial({ metadata: { uid: "u2" }, spec: { containers: [{ name: "web", image: "app:v2" }] } });
  const fresh = withContainer(newRecord({ uid: "u2", namespace: "default", name: "web" }, 0), "web", {
    imageDigest: made.digest,
  });
  const id = rootIdOf({ podUid: "u2", container: "web", attempt: 0 }, pod);
  await world.rootFs.prepare(id, made);
  const root = await ownRoot(
    { ...parts, loop: { get: () => ({ desired: pod, record: fresh }) as never } },
    "u2",
    "web",
  );
  expect(listed(await gathered(root.archive(signal)))).toEqual([
    "etc/",
    "etc/edited",
    "etc/kept",
    "srv/",
    "srv/made",
    "top",
  ]);
});

test("a container that the node has nothing of is refused by name", async () => {
  const { parts, upper } = await writtenContainer();
  rmSync(join(upper, "../l"), { recursive: true });
  await expect(ownRoot(parts, "u1", "web")).rejects.toMatchObject({ code: "failed_precondition" });
  await expect(ownRoot(parts, "u1", "other")).rejects.toMatchObject({ code: "not_found" });
});
