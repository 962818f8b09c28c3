import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import { busyboxImage, busyboxTar } from "../../test/kit/busybox-image.js";
import { type DockerRegistry, startDockerRegistry } from "../../test/kit/docker-registry.js";
import { buildImage, buildIndex, builtLayer } from "../../test/kit/image-builder.js";
import { pushImage } from "../../test/kit/registry-push.js";
import { type CreatedImages, createImages } from "./create-images.js";
import type { RootFs } from "./images.js";

let registry: DockerRegistry;
let dataDir: string;
let node: CreatedImages;
const signal = new AbortController().signal;

beforeAll(async () => {
  registry = await startDockerRegistry();
});
afterAll(() => registry.remove());
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "tallship-images-"));
  node = opened();
});
afterEach(async () => {
  await node.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function opened(): CreatedImages {
  return createImages({ dataDir, clock: systemClock, rng: systemRng, log: silentLog });
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
