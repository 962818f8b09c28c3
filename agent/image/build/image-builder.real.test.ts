import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../../lib/log.js";
import { packTree } from "../../../lib/rooted/pack-tree.js";
import { tarEntry } from "../../../lib/tar/entry.js";
import { tarArchive } from "../../../lib/tar/tar-writer.js";
import { BuildBase, BuildSecret, BuildStart } from "../../../proto/gen/tallship/v1/images.js";
import { busyboxImage } from "../../../test/kit/busybox-image.js";
import { ociArchive } from "../../../test/kit/image-archive.js";
import { buildImage, builtLayer } from "../../../test/kit/image-builder.js";
import { ask, ImageWorld, ORIGIN } from "../../../test/kit/image-world.js";
import { waitFor } from "../../../test/kit/wait.js";
import { ImageBuilder } from "./image-builder.js";

const BASE = "docker.io/library/base:1";
const NAME = "docker.io/library/app:v1";
const PARENT = `/tallship-build-test-${process.pid}`;
const world = new ImageWorld();
const folder = mkdtempSync(join(tmpdir(), "tallship-build-"));
let builder: ImageBuilder;
let base: BuildBase;

beforeAll(async () => {
  const archive = (async function* () {
    yield ociArchive(busyboxImage(), BASE);
  })();
  const options = { names: [], signal: new AbortController().signal, onProgress: () => undefined };
  const [loaded] = await world.images.load(archive, options);
  base = BuildBase.fromPartial({ name: BASE, digest: loaded?.spec.digest ?? "" });
  builder = new ImageBuilder({
    ...{ images: world.images, library: world.images, dataDir: world.folder, cgroupParent: PARENT, log: silentLog },
    platform: { os: "linux", architecture: "amd64", variant: "" },
  });
  mkdirSync(join(folder, "sub"));
  writeFileSync(join(folder, "sub/greeting"), "hello");
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  world.close();
  for (const controller of ["memory", "pids", "cpu"])
    execFileSync("sh", ["-c", `rmdir -p /sys/fs/cgroup/${controller}${PARENT}/tallship/builds || true`], {
      stdio: "ignore",
    });
});

async function* contextOf(path: string): AsyncGenerator<Uint8Array> {
  yield* packTree({ root: "/", path: `${path}/.`, followsLink: true });
}

async function build(
  dockerfile: string,
  more: Partial<BuildStart> = {},
  signal = new AbortController().signal,
  bases: readonly BuildBase[] = [base],
) {
  const start = BuildStart.fromPartial({ names: [NAME], dockerfile: Buffer.from(dockerfile), ...more });
  let output = "";
  const images: string[] = [];
  for await (const event of builder.build({ start, bases, context: contextOf(folder), credentials: {} }, signal)) {
    if (event.is === "output") output += Buffer.from(event.bytes).toString();
    else images.push(...event.image.names);
  }
  return { output, images };
}

/** A file of the image that was built last. */
function fileOf(path: string): string | undefined {
  const found = world.images.lookup({ reference: NAME, policy: "Never", credentials: {} });
  const layer = found?.layerPaths.find((each) => statSync(join(each, path), { throwIfNoEntry: false }) !== undefined);
  return layer === undefined ? undefined : readFileSync(join(layer, path), "utf8");
}

const left = (): readonly string[] => readdirSync(join(world.folder, "builds/running"));

test("a Dockerfile becomes an image of the node, on one of its own, with what its steps print, and later builds use its layers", async () => {
  const text = `FROM base:1\nARG V=1\nCOPY sub /srv\nRUN cat /srv/greeting > /made; echo value $V; ls /dev\nCMD ["cat", "/made"]`;
  const first = await build(text, { args: ["V=2"], labels: ["a=b c"] });
  expect(first).toMatchObject({ images: [NAME], output: expect.stringContaining("value 2\n") });
  expect(fileOf("made")).toBe("hello");
  const config = world.images.lookup({ reference: NAME, policy: "Never", credentials: {} })?.config;
  expect(config).toMatchObject({ command: ["cat", "/made"], labels: { a: "b c" } });
  const listed = first.output.split("\n");
  expect(listed).toContain("null");
  expect(listed.filter((line) => /^(loop|vd|sd|kmsg|mem)/.test(line))).toEqual([]);
  const again = await build(text, { args: ["V=2"] });
  expect(again.output).toContain("Using cache");
  expect((await build(text, { noCache: true })).output).toContain("value 1\n");
  expect(world.registry.seen).toEqual([]);
  expect(left()).toEqual([]);
});

test("a base whose layers the node has unpacked of another image, but not packed, is fetched for the build", async () => {
  const tar = tarArchive([[tarEntry("f", "file"), Buffer.from("x".repeat(3_000))]]);
  for (const [name, packing] of [
    ["plain", "none"],
    ["packed", "gzip"],
  ] as const) {
    const image = buildImage({ layers: [builtLayer(tar, packing)], architecture: "amd64" });
    world.registry.push(ORIGIN, name, "v1", image);
    await world.ensure(ask(`${name}:v1`));
  }
  const bases = [BuildBase.fromPartial({ name: "reg.example/packed:v1" })];
  const { images } = await build("FROM reg.example/packed:v1\nCOPY sub /srv", {}, undefined, bases);
  expect(images).toEqual([NAME]);
  expect(fileOf("f")).toHaveLength(3_000);
});

test("a step that fails ends the build with its line, and the name stands for what it stood for", async () => {
  const before = fileOf("made");
  await expect(build("FROM base:1\nRUN echo oh no; exit 7")).rejects.toMatchObject({
    code: "build_failed",
    message: expect.stringMatching(/building at STEP "RUN echo oh no; exit 7".*exit status 7/),
  });
  await expect(build("FROM base:1\nNONSENSE")).rejects.toMatchObject({ code: "build_failed" });
  await expect(build("FROM elsewhere:1")).rejects.toMatchObject({
    code: "build_failed",
    message: expect.stringContaining("elsewhere:1"),
  });
  expect(fileOf("made")).toBe(before);
  expect(left()).toEqual([]);
});

test("a secret is there for its step and in no layer", async () => {
  const secrets = [BuildSecret.fromPartial({ id: "token", value: Buffer.from("tops3cret") })];
  const text = "FROM base:1\nRUN --mount=type=secret,id=token wc -c < /run/secrets/token > /count";
  await build(text, { secrets });
  expect(fileOf("count")?.trim()).toBe("9");
  const found = execFileSync("sh", ["-c", 'grep -rl tops3cret "$0" || true', world.folder], { encoding: "utf8" });
  expect(found).toBe("");
});

test("a link out of the context leads nowhere outside, and a fifo is passed over", async () => {
  symlinkSync("/etc/hostname", join(folder, "out"));
  execFileSync("mkfifo", [join(folder, "fifo")]);
  await expect(build("FROM base:1\nCOPY out /out")).rejects.toMatchObject({ code: "build_failed" });
  await build("FROM base:1\nCOPY . /all");
  expect(fileOf("all/fifo")).toBeUndefined();
  rmSync(join(folder, "out"));
  rmSync(join(folder, "fifo"));
});

test("a step reaches nothing of the host: not its settings, devices, processes or folders", async () => {
  const text = `FROM base:1
RUN for each in /proc/sys/kernel/core_pattern /proc/sys/vm/swappiness; do echo "$(cat $each)" > $each && echo "writable: $each"; done; true
RUN for each in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $each/x && rmdir $each/x && echo "writable: $each"; done; true
RUN ls /proc/1/root; chroot / true; mknod /d b 254 0; ps | wc -l; true
`;
  const { output } = await build(text, { noCache: true });
  expect(output).not.toMatch(/^writable:/m);
  expect(output).toContain("/proc/1/root: Permission denied");
  expect(output).toContain("can't change root directory to '/': Operation not permitted");
  expect(output).toContain("mknod: /d: Operation not permitted");
  // Its heading, buildah and its two runtimes, the shell, and two of its own.
  expect(Number(/^(\d+)$/m.exec(output)?.[1])).toBeLessThan(9);
});

test("who gives up leaves nothing behind: no process, no file, no mount", async () => {
  const over = new AbortController();
  const ending = build("FROM base:1\nRUN sleep 98761", {}, over.signal).catch((error: unknown) => error);
  const sleeping = (): string => execFileSync("sh", ["-c", "pgrep -f '^sleep 98761' || true"], { encoding: "utf8" });
  await waitFor("the step", async () => sleeping() !== "");
  over.abort();
  expect(await ending).toMatchObject({ code: "cancelled" });
  expect(sleeping()).toBe("");
  expect(left()).toEqual([]);
  const containers = readdirSync(join(world.folder, "builds/storage/overlay-containers"), { withFileTypes: true });
  expect(containers.filter((each) => each.isDirectory())).toEqual([]);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(join(world.folder, "builds"));
  expect((await build("FROM base:1\nRUN true")).images).toEqual([NAME]);
});

test("what cannot be built here is told before anything runs", async () => {
  await expect(build("FROM base:1", { platform: "linux/arm64" })).rejects.toMatchObject({ code: "not_supported" });
  await expect(
    build("FROM base:1", { secrets: [BuildSecret.fromPartial({ id: "a,src=/etc/shadow" })] }),
  ).rejects.toMatchObject({ code: "invalid_argument" });
  // Two lines of headings, and lo.
  const apart = await build("FROM base:1\nRUN wc -l < /proc/net/dev", { network: "none", noCache: true });
  expect(apart.output).toMatch(/^3$/m);
});
