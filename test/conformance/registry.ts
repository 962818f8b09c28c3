import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MANIFEST_TYPES } from "../../agent/image/manifest.js";
import type { Registry, RegistryRequest } from "../../agent/image/registry/registry.js";
import { tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import { type BuiltImage, digestOf } from "../kit/built-image.js";
import { buildImage, buildIndex, builtLayer } from "../kit/image-builder.js";

/** A registry with somewhere to put images, and one that wants a user. */
export interface RegistryHarness {
  readonly registry: Registry;
  /** Origin of a registry for everybody. */
  readonly origin: string;
  /** Origin of one that wants the user `ann` with the password `secret`. */
  readonly lockedOrigin: string;
  push(origin: string, repository: string, tag: string, image: BuiltImage): Promise<void>;
  /** Makes the open registry unreachable. Called last. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

const BLOB = Buffer.from(Array.from({ length: 10_000 }, (_, at) => (at * 7 + (at >> 8)) % 256));

function image(): BuiltImage {
  // Not compressed: the blob is known byte by byte.
  return buildImage({ layers: [builtLayer(tarArchive([[tarEntry("f", "file"), BLOB]]), "none")] });
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What every registry client promises. */
export function registryConformance(name: string, makeHarness: () => Promise<RegistryHarness>): void {
  describe(`registry: ${name}`, () => {
    let harness: RegistryHarness;
    const built = image();
    const layer = built.blobs[1] ?? built;
    const repository = "some/thing";

    beforeAll(async () => {
      harness = await makeHarness();
      await harness.push(harness.origin, repository, "v1", built);
      await harness.push(harness.origin, `cache/${repository}`, "v1", built);
      await harness.push(harness.lockedOrigin, repository, "v1", built);
    });
    afterAll(() => harness.close());

    function request(rest: Partial<RegistryRequest> = {}, origin = harness.origin, prefix = ""): RegistryRequest {
      const endpoint = { origin, repositoryPrefix: prefix, caPath: undefined, isUnverified: false };
      return { endpoint, repository, credentials: undefined, signal: new AbortController().signal, ...rest };
    }

    test("a manifest is found by tag and by digest, byte for byte", async () => {
      for (const key of ["v1", built.digest]) {
        const reply = await harness.registry.manifest(request(), key);
        expect([reply.digest, digestOf(reply.bytes)]).toEqual([built.digest, built.digest]);
        expect(MANIFEST_TYPES).toContain(reply.mediaType);
      }
    });

    test("an index and its images are found", async () => {
      const index = buildIndex({ amd64: built, s390x: built });
      await harness.push(harness.origin, "many", "v1", index);
      const reply = await harness.registry.manifest(request({ repository: "many" }), "v1");
      expect(reply.digest).toBe(index.digest);
      expect((await harness.registry.manifest(request({ repository: "many" }), built.digest)).digest).toBe(
        built.digest,
      );
    });

    test("the digest of a tag is told", async () => {
      expect(await harness.registry.digestOf(request(), "v1")).toBe(built.digest);
    });

    test("a prefix is put before the repository", async () => {
      expect((await harness.registry.manifest(request({}, harness.origin, "cache"), "v1")).digest).toBe(built.digest);
    });

    test("a blob is read whole, and from any offset", async () => {
      for (const offset of [0, 1, 5_000, layer.bytes.length - 1]) {
        const reply = await harness.registry.blob(request(), layer.digest, { start: offset });
        expect(reply.offsetBytes).toBe(offset);
        expect((await whole(reply.content)).equals(Buffer.from(layer.bytes).subarray(offset))).toBe(true);
      }
    });

    test("leaving a blob in the middle does no harm", async () => {
      const reply = await harness.registry.blob(request(), layer.digest, { start: 0 });
      for await (const piece of reply.content) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      expect(await harness.registry.digestOf(request(), "v1")).toBe(built.digest);
    });

    test("what is not there is image_not_found", async () => {
      const missing = { code: "image_not_found" };
      await expect(harness.registry.manifest(request(), "v2")).rejects.toMatchObject(missing);
      await expect(harness.registry.manifest(request(), digestOf(BLOB))).rejects.toMatchObject(missing);
      await expect(harness.registry.digestOf(request(), "v2")).rejects.toMatchObject(missing);
      await expect(harness.registry.manifest(request({ repository: "no/such" }), "v1")).rejects.toMatchObject(missing);
      await expect(harness.registry.blob(request(), digestOf(BLOB), { start: 0 })).rejects.toMatchObject(missing);
    });

    test("a registry that wants a user lets that one in and nobody else", async () => {
      const refused = { code: "image_unauthorized" };
      const ask = (rest: Partial<RegistryRequest>) =>
        harness.registry.manifest(request(rest, harness.lockedOrigin), "v1");
      await expect(ask({})).rejects.toMatchObject(refused);
      await expect(ask({ credentials: { username: "ann", password: "wrong" } })).rejects.toMatchObject(refused);
      expect((await ask({ credentials: { username: "ann", password: "secret" } })).digest).toBe(built.digest);
      // What one caller proved is not lent to another.
      await expect(ask({})).rejects.toMatchObject(refused);
    });

    test("an abort is cancelled, before and during an answer", async () => {
      const abort = new AbortController();
      const { signal } = abort;
      const reply = await harness.registry.blob(request({ signal }), layer.digest, { start: 0 });
      abort.abort();
      await expect(whole(reply.content)).rejects.toMatchObject({ code: "cancelled" });
      await expect(harness.registry.manifest(request({ signal }), "v1")).rejects.toMatchObject({ code: "cancelled" });
    });

    test("a registry that is down is image_pull_failed", async () => {
      await harness.stop();
      await expect(harness.registry.manifest(request(), "v1")).rejects.toMatchObject({ code: "image_pull_failed" });
      await expect(harness.registry.blob(request(), layer.digest, { start: 0 })).rejects.toMatchObject({
        code: "image_pull_failed",
      });
    });
  });
}
