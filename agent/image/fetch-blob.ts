import { asTallshipError, TallshipError } from "../../lib/errors.js";
import type { Descriptor } from "./manifest.js";
import { isTriedAgain, type PullEdges } from "./pull-edges.js";
import { type EndpointFailure, isWorthAnotherEndpoint, pullFailure } from "./pull-failures.js";
import type { Registry, RegistryRequest } from "./registry/registry.js";
import type { BlobPart } from "./store/blob-part.js";

/** One blob, and the endpoints to ask for it in order. */
export interface BlobFetch {
  readonly descriptor: Descriptor;
  readonly requests: readonly RegistryRequest[];
  /** Called with the bytes that are there, resumed ones included. May go back when a part had to be dropped. */
  readonly onBytes: (bytesDone: number) => void;
}

/**
 * Completes a blob's part and commits it. A connection that breaks off is taken up where it ended, as long as each try brings
 * bytes; some tries in a row that bring none, an unknown blob or a wrong digest lead to the next endpoint. The part is closed.
 */
export async function fetchBlob(edges: PullEdges, part: BlobPart, fetch: BlobFetch): Promise<void> {
  const failures: EndpointFailure[] = [];
  for (const request of fetch.requests) {
    const error = await fetchFrom(edges, part, fetch, request);
    if (error === undefined) return;
    if (!isWorthAnotherEndpoint(error)) {
      await part.close();
      throw error;
    }
    failures.push({ origin: request.endpoint.origin, error });
  }
  await part.close();
  throw pullFailure(`blob ${fetch.descriptor.digest}`, failures);
}

/** Undefined when the blob is there; else why this endpoint is given up. */
async function fetchFrom(
  edges: PullEdges,
  part: BlobPart,
  fetch: BlobFetch,
  request: RegistryRequest,
): Promise<TallshipError | undefined> {
  for (let fruitlessCount = 0; ; ) {
    const before = part.sizeBytes;
    try {
      await transfer(edges.registry, part, fetch, request);
      await part.commit();
      return undefined;
    } catch (caught) {
      const error = asTallshipError(caught, "disk_failed");
      fruitlessCount = part.sizeBytes > before ? 1 : fruitlessCount + 1;
      if (!(await isTriedAgain(edges, error, fruitlessCount, request.signal))) return error;
    }
  }
}

async function transfer(registry: Registry, part: BlobPart, fetch: BlobFetch, request: RegistryRequest): Promise<void> {
  if (part.sizeBytes === fetch.descriptor.sizeBytes && part.sizeBytes > 0) return;
  const reply = await registry.blob(request, fetch.descriptor.digest, part.sizeBytes);
  if (reply.offsetBytes !== part.sizeBytes) await part.reset();
  fetch.onBytes(part.sizeBytes);
  for await (const bytes of reply.content) {
    await part.append(bytes);
    fetch.onBytes(part.sizeBytes);
  }
  if (part.sizeBytes < fetch.descriptor.sizeBytes) {
    const { digest, sizeBytes } = fetch.descriptor;
    throw new TallshipError("image_pull_failed", `blob ${digest} ended after ${part.sizeBytes} of ${sizeBytes} bytes`);
  }
}
