import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { type DockerRegistry, startDockerRegistry } from "../../test/kit/docker-registry.js";
import { buildImage } from "../../test/kit/image-builder.js";
import { layerOf } from "../../test/kit/image-world.js";
import { pushImage } from "../../test/kit/registry-push.js";
import { type CreatedImages, createImages } from "./create-images.js";
import type { Logins } from "./registry-errands.js";

// bcrypt of "secret".
const HTPASSWD = "ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";
const LOGIN = { username: "ann", password: "secret" };
// Larger than one message, so that a body goes in pieces.
const image = buildImage({ layers: [layerOf("one", 700_000), layerOf("two")], architecture: "amd64", config: {} });
const { signal } = new AbortController();

let open: DockerRegistry;
let locked: DockerRegistry;
let node: CreatedImages;
let folder: string;

beforeAll(async () => {
  [open, locked] = await Promise.all([startDockerRegistry(), startDockerRegistry({ htpasswd: HTPASSWD })]);
  folder = mkdtempSync(join(tmpdir(), "tallship-errands-"));
  node = createImages({ dataDir: folder, clock: systemClock, rng: systemRng, log: silentLog });
  await pushImage(image, { origin: open.origin, repository: "team/app", tag: "v1" });
  await node.images.ensure(
    { reference: `${open.host}/team/app:v1`, policy: "IfNotPresent", credentials: {} },
    { signal },
  );
});
afterAll(async () => {
  await node.close();
  await Promise.all([open.remove(), locked.remove()]);
  rmSync(folder, { recursive: true, force: true });
});

async function push(to: string, logins: Logins = {}): Promise<{ readonly lines: string[]; readonly bytes: number }> {
  const spec = await node.library.specOf(image.digest);
  const lines: string[] = [];
  let bytes = 0;
  await node.errands.push({
    ...{ image: { name: `${open.host}/team/app:v1`, spec }, to, logins, signal },
    onProgress: (_, bytesDone) => {
      bytes = bytesDone;
    },
    tell: (line) => lines.push(line.replace(/^[0-9a-f]{12}: /, "LAYER: ")),
  });
  return { lines: lines.sort(), bytes };
}

async function search(host: string, term: string, logins: Logins = {}): Promise<unknown> {
  const found: unknown[] = [];
  for await (const each of node.errands.search({ registry: host, term, most: 10 }, logins, signal)) found.push(each);
  return found;
}

test("an image goes to a registry that wants a user, once: what is there is not sent again", async () => {
  const to = `${locked.host}/app:v2`;
  await expect(push(to)).rejects.toMatchObject({
    code: "image_unauthorized",
    message: expect.stringContaining(`tsctl login ${locked.host}`),
  });
  const digest = `v2: digest: ${image.digest} size: ${image.bytes.length}`;
  const refers = `The push refers to repository [${locked.host}/app]`;
  const logins = { [locked.host]: LOGIN };
  const first = await push(to, logins);
  expect(first.lines).toEqual(["LAYER: Pushed", "LAYER: Pushed", refers, digest]);
  expect(first.bytes).toBeGreaterThan(700_000);
  expect((await push(to, logins)).lines).toEqual([
    "LAYER: Layer already exists",
    "LAYER: Layer already exists",
    refers,
    digest,
  ]);
  expect(await node.errands.resolve(to, logins, signal)).toBe(image.digest);
});

test("a registry takes from another of its repositories what it has there", async () => {
  const { lines } = await push(`${open.host}/copy:v1`);
  expect(lines).toEqual(expect.arrayContaining(["LAYER: Mounted from team/app", "LAYER: Mounted from team/app"]));
});

test("a catalogue is searched by a part of the name, with the tags that its repositories have", async () => {
  expect(await search(open.host, "team")).toEqual([{ repository: `${open.host}/team/app`, tags: ["v1"] }]);
  await expect(search(locked.host, "")).rejects.toMatchObject({
    ...{ code: "not_supported", message: expect.stringContaining(`tsctl login ${locked.host}`) },
  });
});

test("a name that a registry does not have is told as what is missing, and where", async () => {
  const missing = {
    code: "image_not_found",
    message: expect.stringContaining("tag v9 of repository team/app not found"),
  };
  const reference = `${open.host}/team/app:v9`;
  await expect(node.errands.resolve(reference, {}, signal)).rejects.toMatchObject(missing);
  const pulled = node.images.ensure({ reference, policy: "IfNotPresent", credentials: {} }, { signal });
  await expect(pulled).rejects.toMatchObject(missing);
});
