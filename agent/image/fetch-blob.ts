import { TallshipError } from "../../lib/errors.js";
import type { Descriptor } from "./manifest.js";
import { firstAnswer, type PullEdges } from "./pull-edges.js";
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
 * Completes a blob's part and commits it. A connection that breaks off is taken up where it ended, at any endpoint, as long
 * as tries bring bytes; a wrong digest leads to the next endpoint. The part is closed in any case.
 */
export async function fetchBlob(edges: PullEdges, part: BlobPart, fetch: BlobFetch): Promise<void> {
  try {
    await firstAnswer(edges, {
      what: `blob ${fetch.descriptor.digest}`,
      requests: fetch.requests,
      ask: async (request) => {
        await transfer(edges.registry, part, fetch, request);
        await part.commit();
      },
      progress: () => part.sizeBytes,
    });
  } finally {
    await part.close();
  }
}

async function transfer(registry: Registry, part: BlobPart, fetch: BlobFetch, request: RegistryRequest): Promise<void> {
  const { digest, sizeBytes } = fetch.descriptor;
  if (part.sizeBytes === sizeBytes && sizeBytes > 0) return;
  const reply = await registry.blob(request, digest, { start: part.sizeBytes });
  if (reply.offsetBytes !== part.sizeBytes) await part.reset();
  fetch.onBytes(part.sizeBytes);
  for await (const bytes of reply.content) {
    await part.append(bytes);
    fetch.onBytes(part.sizeBytes);
  }
  if (part.sizeBytes < sizeBytes) {
    throw new TallshipError("image_pull_failed", `blob ${digest} ended after ${part.sizeBytes} of ${sizeBytes} bytes`);
  }
}
