// Edge: serves content to other nodes.
import { createReadStream, statSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { isDigest } from "../../../kinds/image-reference.js";
import type { HttpHandler } from "../../../lib/metrics-endpoint.js";
import type { ContentStore } from "../store/content-store.js";
import type { Fabric } from "./fabric.js";
import { CONTENT_PATH } from "./https-peers.js";

/** What serving takes. */
export interface ServingParts {
  readonly store: ContentStore;
  readonly fabric: Fabric;
}

/** What is sent of content: a file, and which bytes of it. */
interface Found {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly sizeBytes: number;
}

const READ_BYTES = 262_144;

/**
 * Answers GET /content/DIGEST, with a range or without, for nodes that the leader has let fetch it; everything else goes to `others`. What is still on its way here is given out piece by
 * piece. Content that is not there, and content that the node may not have, look alike.
 */
export function contentHandler(parts: ServingParts, others: HttpHandler): HttpHandler {
  return (request, response, identity) => {
    if (request.method !== "GET" || request.url?.startsWith(CONTENT_PATH) !== true) {
      others(request, response, identity);
      return;
    }
    if (identity.role !== "node") {
      refuse(response, 403, `role ${identity.role} may not read content`);
      return;
    }
    const digest = request.url.slice(CONTENT_PATH.length);
    answer(parts, { digest, nodeName: identity.name, range: request.headers.range }, response).catch(
      (error: unknown) => {
        if (response.headersSent) response.destroy();
        else refuse(response, 500, String(error));
      },
    );
  };
}

async function answer(
  { store, fabric }: ServingParts,
  {
    digest,
    nodeName,
    range,
  }: { readonly digest: string; readonly nodeName: string; readonly range: string | undefined },
  response: ServerResponse,
): Promise<void> {
  const isLeft = isDigest(digest) && (await fabric.leaves.has(digest, nodeName));
  const found = isLeft ? find({ store, fabric }, digest, range) : undefined;
  if (found === undefined) {
    refuse(response, 404, `${digest} is not here for ${nodeName}`);
    return;
  }
  const { path, start, end, sizeBytes } = found;
  const headers = { "content-length": end - start, "content-type": "application/octet-stream" };
  if (range === undefined) response.writeHead(200, headers);
  else response.writeHead(206, { ...headers, "content-range": `bytes ${start}-${end - 1}/${sizeBytes}` });
  const file = createReadStream(path, { start, end: end - 1, highWaterMark: READ_BYTES });
  file.on("error", () => response.destroy());
  response.on("close", () => file.destroy());
  file.pipe(response);
}

function find({ store, fabric }: ServingParts, digest: string, range: string | undefined): Found | undefined {
  const part = fabric.partOf(digest);
  if (!store.hasBlob(digest)) {
    if (part === undefined || range === undefined) return undefined;
    const { sizeBytes, piecesPath } = part.places;
    const bounds = boundsOf(range, sizeBytes);
    if (bounds === undefined || !part.hasRange(bounds.start, bounds.end)) return undefined;
    return { path: piecesPath, sizeBytes, ...bounds };
  }
  const path = store.blobPath(digest);
  const sizeBytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const bounds = range === undefined ? { start: 0, end: sizeBytes } : boundsOf(range, sizeBytes);
  return bounds === undefined || sizeBytes === 0 ? undefined : { path, sizeBytes, ...bounds };
}

function boundsOf(range: string, sizeBytes: number): { readonly start: number; readonly end: number } | undefined {
  const [, from = "", to = ""] = /^bytes=([0-9]{1,15})-([0-9]{1,15})$/.exec(range) ?? [];
  const start = Number(from);
  const end = Number(to) + 1;
  return from !== "" && start < end && end <= sizeBytes ? { start, end } : undefined;
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(`${why}\n`);
}
