import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import { type BundledProgram, bundleProgram } from "../../test/kit/bundle.js";
import { busyboxImage, busyboxTar } from "../../test/kit/busybox-image.js";
import { type DockerRegistry, startDockerRegistry } from "../../test/kit/docker-registry.js";
import { ociArchive, readImageArchive } from "../../test/kit/image-archive.js";
import { buildImage, buildIndex, builtLayer } from "../../test/kit/image-builder.js";
import { pushImage } from "../../test/kit/registry-push.js";
import { waitFor } from "../../test/kit/wait.js";
import { type CreatedImages, createImages } from "./create-images.js";
import type { RootFs } from "./images.js";

let registry: DockerRegistry;
let dataDir: string;
let node: CreatedImages;
const signal = new AbortController().signal;

let program: BundledProgram;

beforeAll(async () => {
  registry = await startDockerRegistry();
  program = await bundleProgram('import { runWorker } from "./agent/worker/run-worker.js"; await runWorker();');
});
afterAll(async () => {
  await registry.remove();
  rmSync(program.folder, { recursive: true, force: true });
});
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "tallship-images-"));
  node = opened();
});
afterEach(async () => {
  await node.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function opened(): CreatedImages {
  const worker = { command: [process.execPath, program.path, "worker"], folders: [program.folder] };
  return createImages({ dataDir, clock: systemClock, rng: systemRng, log: silentLog, worker });
}

/** Runs a command with a root file system mounted, in a mount namespace that ends with it. */
function inside(rootFs: RootFs, command: string): string {
  const { mount, path } = rootFs;
  if (mount === undefined) throw new Error("overlayfs mounts");
  const script = `mount -t ${mount.type} -o ${mount.options} ${mount.source} ${path} && chroot ${path} /bin/sh -c '${command}'`;
  return execFileSync("unshare", ["--mount", "--propagation", "private", "sh", "-c", script], {
    cwd: mount.cwd,
    encoding: "utf8",
  });
}

test("an image from a registry runs from an overlay of its layers", async () => {
  const upper = tarArchive([
    [tarEntry("etc/.wh.passwd", "file"), new Uint8Array()],
    [tarEntry("var/.wh..wh..opq", "file"), new Uint8Array()],
    [tarEntry("hello", "file"), Buffer.from("hello\n")],
  ]);
  const image = buildImage({ layers: [builtLayer(busyboxTar()), builtLayer(upper)], config: { Cmd: ["/bin/sh"] } });
  const index = buildIndex({ s390x: busyboxImage(), [process.arch === "x64" ? "amd64" : process.arch]: image });
  await pushImage(index, { origin: registry.origin, repository: "test/two", tag: "v1" });
  const request = { reference: `${registry.host}/test/two:v1`, policy: "IfNotPresent", credentials: {} } as const;
  expect(node.images.lookup(request)).toBeUndefined();
  const local = await node.images.ensure(request, { signal });
  expect(local.digest).toBe(image.digest);
  expect(local.config.command).toEqual(["/bin/sh"]);
  expect(local.layerPaths.length).toBe(2);
  expect(node.images.lookup(request)).toEqual(local);
  const rootFs = await node.rootFs.prepare("c1", local);
  expect(inside(rootFs, "cat /hello; ls /etc /var")).toBe("hello\n/etc:\ngroup\nnsswitch.conf\n\n/var:\n");
  expect(await node.rootFs.list()).toEqual(["c1"]);
  await node.rootFs.remove("c1");
  expect(await node.rootFs.list()).toEqual([]);
});

test("an image is there after a restart, without asking the registry", async () => {
  await pushImage(busyboxImage(), { origin: registry.origin, repository: "kept", tag: "latest" });
  const request = { reference: `${registry.host}/kept`, policy: "IfNotPresent", credentials: {} } as const;
  const local = await node.images.ensure(request, { signal });
  await node.close();
  node = opened();
  expect(node.images.lookup(request)).toEqual(local);
  expect(readdirSync(join(dataDir, "images/staging"))).toEqual([]);
  expect(readFileSync(join(local.layerPaths[0] ?? "", "etc/group"), "utf8")).toContain("root");
});

test("a worker that is killed during a pull fails it, and the next pull ends it without the registry", async () => {
  const files = Array.from({ length: 20_000 }, (_, at) => [tarEntry(`f${at}`, "file"), Buffer.from("x")] as const);
  const image = buildImage({ layers: [builtLayer(tarArchive(files))] });
  await pushImage(image, { origin: registry.origin, repository: "many", tag: "latest" });
  const request = {
    reference: `${registry.host}/many@${image.digest}`,
    policy: "IfNotPresent",
    credentials: {},
  } as const;
  const staging = join(dataDir, "images/staging");
  const pull = node.images.ensure(request, { signal });
  const failed = expect(pull).rejects.toMatchObject({
    code: "image_pull_failed",
    message: expect.stringMatching(/worker/),
  });
  await waitFor("the first files", () =>
    readdirSync(staging).some((name) => existsSync(join(staging, name, "fs/f100"))),
  );
  const { stdout } = spawnSync("pgrep", ["--full", program.path], { encoding: "utf8" });
  for (const pid of stdout.trim().split("\n")) process.kill(Number(pid), "SIGKILL");
  await failed;
  expect([node.images.lookup(request), node.images.list(), readdirSync(staging)]).toEqual([undefined, [], []]);
  await registry.stop();
  const local = await node.images.ensure(request, { signal });
  expect(readdirSync(local.layerPaths[0] ?? "").length).toBe(20_000);
  await registry.start();
});

test("an image that was archived and converted by another program is pushed and pulled", async () => {
  const [oci, docker] = [join(dataDir, "oci"), join(dataDir, "docker")];
  const archive = ociArchive(busyboxImage(), "x");
  expect(readImageArchive(archive).digest).toBe(busyboxImage().digest);
  writeFileSync(oci, archive);
  execFileSync("skopeo", [
    "copy",
    "-q",
    "--insecure-policy",
    `oci-archive:${oci}`,
    `docker-archive:${docker}:x:latest`,
  ]);
  const image = readImageArchive(readFileSync(docker));
  await pushImage(image, { origin: registry.origin, repository: "converted", tag: "v1" });
  const request = { reference: `${registry.host}/converted:v1`, policy: "Always", credentials: {} } as const;
  const local = await node.images.ensure(request, { signal });
  expect(local.config.command).toEqual(["/bin/serve"]);
  expect(existsSync(join(local.layerPaths[0] ?? "", "bin/busybox"))).toBe(true);
});
