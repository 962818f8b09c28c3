// Edge: reads blobs for a registry.
import { createReadStream, statSync } from "node:fs";
import { type ImageReference, parseReference } from "../../kinds/image-reference.js";
import { asTallshipError, hasCode, TallshipError } from "../../lib/errors.js";
import { asText } from "../../lib/json-shape.js";
import { limit } from "../../lib/limits.js";
import { Slots } from "../../lib/slots.js";
import type { NamedSpec } from "./images.js";
import { parseJsonObject } from "./json-shape.js";
import { OCI_TYPES } from "./manifest.js";
import type { RequestBody } from "./registry/http-exchange.js";
import type { RegistryRequest } from "./registry/registry.js";
import type { BlobOutcome, RegistryDesk } from "./registry/registry-desk.js";
import type { ContentStore } from "./store/content-store.js";

/** An image on its way to a registry. */
export interface Push {
  readonly image: NamedSpec;
  readonly to: ImageReference;
  /** What the registry is asked by. */
  readonly request: RegistryRequest;
  /** How far it is. */
  readonly onBytes: (bytesDone: number, bytesTotal: number) => void;
  /** A line for people, as docker push tells it. */
  readonly tell: (line: string) => void;
}

const OUTCOMES: Readonly<Record<BlobOutcome, string>> = {
  "was there": "Layer already exists",
  mounted: "Mounted",
  sent: "Pushed",
};

/**
 * Sends an image that the store holds whole to a registry: config and layers first, several at once and none that is there, the manifest last, so that no tag stands for less than an image.
 * Doing it twice sends nothing the second time.
 */
export async function pushImage(
  { store, desk }: { readonly store: ContentStore; readonly desk: RegistryDesk },
  push: Push,
): Promise<void> {
  const { image, to, request, tell } = push;
  const { digest, configDigest, layers } = image.spec;
  const manifest = await store.readBlob(digest);
  const blobs = [...new Set([...layers.map((layer) => layer.digest), configDigest])];
  const missing = manifest === undefined ? digest : blobs.find((blob) => !store.hasBlob(blob));
  if (missing !== undefined || manifest === undefined)
    throw new TallshipError("not_found", `push ${image.name}: ${missing} is not on this node`);
  const sizes = new Map(blobs.map((blob) => [blob, statSync(store.blobPath(blob)).size]));
  const bytesTotal = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const done = new Map<string, number>();
  const onBytes = (blob: string, count: number): void => {
    done.set(blob, count);
    push.onBytes(
      [...done.values()].reduce((sum, each) => sum + each, 0),
      bytesTotal,
    );
  };
  const from = sourceOf(image, to);
  await allOrFirstError(blobs, request, async (blob, signal) => {
    const open = (): RequestBody => bodyOf(store.blobPath(blob), sizes.get(blob) ?? 0, (count) => onBytes(blob, count));
    const outcome = await desk.putBlob({ ...request, signal }, { digest: blob, from, open });
    onBytes(blob, sizes.get(blob) ?? 0);
    const by = outcome === "mounted" ? ` from ${from}` : "";
    if (blob !== configDigest) tell(`${shortOf(blob)}: ${OUTCOMES[outcome]}${by}`);
  });
  const mediaType = asText(parseJsonObject(manifest, digest)["mediaType"]) ?? OCI_TYPES.manifest;
  const tag = to.tag ?? "latest";
  const given = await desk.putManifest(request, { tag, mediaType, bytes: manifest });
  if (given !== undefined && given !== digest)
    throw new TallshipError("image_push_failed", `push ${image.name}: the registry holds ${given}, sent was ${digest}`);
  tell(`${tag}: digest: ${digest} size: ${manifest.length}`);
}

/** The repository that the registry may have the blobs in already: that of the image's own name, when it is another one there. */
function sourceOf({ name }: NamedSpec, { host, repository }: ImageReference): string | undefined {
  const own = parseReference(name);
  return own.host === host && own.repository !== repository ? own.repository : undefined;
}

/** Works on all, some at once. The first failure ends the others. */
async function allOrFirstError(
  blobs: readonly string[],
  request: RegistryRequest,
  work: (blob: string, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const slots = new Slots(limit("imageParallelPushes"));
  const abort = new AbortController();
  const signal = AbortSignal.any([request.signal, abort.signal]);
  const settled = await Promise.allSettled(
    blobs.map((blob) =>
      slots
        .run(signal, () => work(blob, signal))
        .catch((error: unknown) => {
          abort.abort();
          throw error;
        }),
    ),
  );
  const failures = settled.flatMap((each) => (each.status === "rejected" ? [asTallshipError(each.reason)] : []));
  const cause = failures.find((error) => !hasCode(error, "cancelled")) ?? failures[0];
  if (cause !== undefined) throw cause;
}

function bodyOf(path: string, sizeBytes: number, onBytes: (count: number) => void): RequestBody {
  const content = async function* (): AsyncGenerator<Uint8Array> {
    let count = 0;
    for await (const chunk of createReadStream(path, { highWaterMark: limit("imageChunkBytes") })) {
      yield chunk;
      count += chunk.length;
      onBytes(count);
    }
  };
  return { sizeBytes, content: content() };
}

/** As docker shows layers. */
function shortOf(digest: string): string {
  return digest.replace("sha256:", "").slice(0, 12);
}
