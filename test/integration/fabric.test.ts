import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { httpsPeers } from "../../agent/image/fabric/https-peers.js";
import { hasBit } from "../../lib/bitmap.js";
import { systemClock } from "../../lib/system-clock.js";
import { mutableCredentials } from "../../lib/transport/credentials.js";
import { Image } from "../../proto/gen/tallship/v1/image.js";
import { FabricWorld } from "../kit/fabric-world.js";
import { ociArchive } from "../kit/image-archive.js";
import { buildImage } from "../kit/image-builder.js";
import { ask, layerOf, ORIGIN } from "../kit/image-world.js";
import { testCredentials } from "../kit/test-authority.js";

const MIB = 1_048_576;
// Several pieces, and a last one that is short.
const image = buildImage({ layers: [layerOf("one", 22 * MIB), layerOf("two", 9 * MIB)], architecture: "amd64" });
const layers = image.blobs.slice(1);
const APP = "docker.io/library/app";

let world: FabricWorld;
beforeEach(async () => {
  world = new FabricWorld();
  for (const name of ["n1", "n2", "n3", "n4"]) await world.add(name);
  world.registry.push(ORIGIN, "app", "v1", image);
});
afterEach(() => world.close());

const node = (at: number) => world.nodes[at] ?? expect.fail(`no node ${at}`);
const own = (rest = {}) => ({
  reference: `${APP}:v1@${image.digest}`,
  policy: "IfNotPresent" as const,
  credentials: {},
  isOwn: true,
  ...rest,
});

/** Bytes of layers that left the registry. */
function registryBytes(): number {
  return world.registry.sentBytes;
}

async function* archive(): AsyncGenerator<Uint8Array> {
  const bytes = ociArchive(image, "app:v1");
  for (let at = 0; at < bytes.length; at += MIB) yield bytes.subarray(at, at + MIB);
}

/** Takes the image in on the first node and gives it its name. */
async function load(): Promise<void> {
  const options = { names: [], signal: new AbortController().signal, onProgress: () => undefined };
  const [loaded] = await node(0).images.load(archive(), options);
  world.name(Image.fromPartial({ metadata: { name: `${APP}:v1` }, spec: loaded?.spec }));
}

test("four nodes that pull at once take each byte from the registry once, and hold the same content", async () => {
  for (const { name } of world.nodes) world.run(name, "reg.example/app:v1");
  await Promise.all(world.nodes.map((each) => each.ensure(ask("app:v1"))));
  const sizes = layers.reduce((sum, { bytes }) => sum + bytes.length, 0);
  expect(registryBytes()).toBeLessThan(sizes * 1.05);
  for (const { store } of world.nodes)
    for (const { digest, bytes } of layers)
      expect(readFileSync(store.blobPath(digest)).equals(Buffer.from(bytes))).toBe(true);
});

test("a node that comes later asks the registry for no layer, and takes from several", async () => {
  for (const { name } of world.nodes) world.run(name, "reg.example/app:v1");
  await Promise.all(world.nodes.slice(0, 3).map((each) => each.ensure(ask("app:v1"))));
  const before = registryBytes();
  await node(3).ensure(ask("app:v1"));
  expect(registryBytes() - before).toBeLessThan(5_000);
  expect(new Set(node(3).asked.map(({ peer }) => peer)).size).toBeGreaterThan(1);
});

test("an image of the cluster runs where its name is named, without a registry", async () => {
  await load();
  world.run("n3", "app:v1");
  expect((await node(2).ensure(own())).layerPaths).toHaveLength(2);
  expect(world.registry.seen).toEqual([]);
});

test("content is not given to a node that no pod names it on: not by the leader, and not by the node that has it", async () => {
  await load();
  await expect(node(1).ensure(own())).rejects.toMatchObject({
    message: expect.stringContaining("no pod on node n2 names"),
  });
  const { address } = node(0);
  const [layer] = layers;
  const read = async (credentials: ReturnType<typeof testCredentials>, name = "n1"): Promise<number> => {
    const peers = httpsPeers(mutableCredentials(credentials), systemClock);
    const range = { start: 0, end: 10 };
    try {
      let bytes = 0;
      const request = { digest: layer?.digest ?? "", range, signal: new AbortController().signal };
      for await (const chunk of peers.read({ name, address }, request)) bytes += chunk.length;
      return bytes;
    } finally {
      peers.close();
    }
  };
  await expect(read(testCredentials(world.authority, "n2", "node"))).rejects.toThrow("status 404");
  await expect(read(testCredentials(world.authority, "ada", "admin"))).rejects.toThrow("status 403");
  // A node under another's address is not who it is taken for.
  await expect(read(testCredentials(world.authority, "n2", "node"), "n3")).rejects.toThrow("not node n3");
  world.run("n2", "app:v1");
  await node(1).ensure(own());
  expect(await read(testCredentials(world.authority, "n2", "node"))).toBe(10);
});

test("when nobody that holds it is connected, that is said, and it goes on when one is again", async () => {
  await load();
  world.run("n2", "app:v1");
  node(0).setConnected(false);
  await expect(node(1).ensure(own())).rejects.toMatchObject({
    code: "image_not_found",
    message: expect.stringContaining("no node that is connected holds"),
  });
  node(0).setConnected(true);
  await node(1).ensure(own());
});

test("peers that cannot be reached, and a leader that is away, cost time but not the image", async () => {
  for (const { name } of world.nodes) world.run(name, "reg.example/app:v1");
  await node(0).ensure(ask("app:v1"));
  await node(0).shut();
  node(2).setConnected(false);
  await node(2).ensure(ask("app:v1"));
  expect(node(2).asked).toEqual([]);
  // The leader knows of two holders now, one of which is gone.
  node(2).setConnected(true);
  await node(3).ensure(ask("app:v1"));
  expect(node(3).store.hasBlob(layers[0]?.digest ?? "")).toBe(true);
});

test("a node that lies about content spoils nothing: who got it from there gets it from the registry", async () => {
  for (const { name } of world.nodes) world.run(name, "reg.example/app:v1");
  await node(0).ensure(ask("app:v1"));
  const { digest = "" } = layers[0] ?? {};
  const { writeFileSync } = await import("node:fs");
  writeFileSync(node(0).store.blobPath(digest), Buffer.alloc(layers[0]?.bytes.length ?? 0, 1));
  await node(1).ensure(ask("app:v1"));
  expect(readFileSync(node(1).store.blobPath(digest)).equals(Buffer.from(layers[0]?.bytes ?? []))).toBe(true);
});

test("what was fetched when a pull is given up is not fetched again", async () => {
  for (const { name } of world.nodes) world.run(name, "reg.example/app:v1");
  const gone = new AbortController();
  const first = node(0).ensure(ask("app:v1"), gone.signal);
  const { digest = "" } = layers[0] ?? {};
  const deadline = Date.now() + 20_000;
  const hasSome = (): boolean => {
    const part = node(0).partOf(digest);
    return part !== undefined && hasBit(part.pieces, 1);
  };
  while (!hasSome() && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  gone.abort();
  await expect(first).rejects.toMatchObject({ code: "cancelled" });
  const before = registryBytes();
  await node(0).ensure(ask("app:v1"));
  const sizes = layers.reduce((sum, { bytes }) => sum + bytes.length, 0);
  expect(registryBytes() - before).toBeLessThan(sizes);
});
