// Edge: uploads to a registry.
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { BuiltContent, BuiltImage } from "./built-image.js";

/** Where an image goes. */
export interface PushTarget {
  /** http://HOST:PORT */
  readonly origin: string;
  readonly repository: string;
  readonly tag: string;
  /** Value of the Authorization header, when the registry wants one. */
  readonly authorization?: string;
}

/** Pushes an image and all that it points to; what the registry has already is not sent. Returns its digest. */
export async function pushImage(image: BuiltImage, target: PushTarget): Promise<string> {
  await pushContent(image, target, target.tag);
  return image.digest;
}

async function pushContent(image: BuiltImage, target: PushTarget, key: string): Promise<void> {
  for (const child of image.children) await pushContent(child, target, child.digest);
  for (const blob of image.blobs) await pushBlob(blob, target);
  const path = `/v2/${target.repository}/manifests/${key}`;
  const put = await send(target, { method: "PUT", path, body: image.bytes, contentType: image.mediaType });
  if (put.status !== 201) throw new Error(`push ${path}: status ${put.status}: ${put.body.slice(0, 500)}`);
}

async function pushBlob(blob: BuiltContent, target: PushTarget): Promise<void> {
  const blobs = `/v2/${target.repository}/blobs`;
  if ((await send(target, { method: "HEAD", path: `${blobs}/${blob.digest}` })).status === 200) return;
  const started = await send(target, { method: "POST", path: `${blobs}/uploads/`, body: new Uint8Array() });
  if (started.status !== 202 || started.location === undefined) {
    throw new Error(`push to ${target.origin}: status ${started.status}: ${started.body.slice(0, 500)}`);
  }
  const url = new URL(started.location, target.origin);
  url.searchParams.set("digest", blob.digest);
  const path = `${url.pathname}${url.search}`;
  const put = await send(target, { method: "PUT", path, body: blob.bytes, contentType: "application/octet-stream" });
  if (put.status !== 201) throw new Error(`push of ${blob.digest}: status ${put.status}: ${put.body.slice(0, 500)}`);
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: Uint8Array;
  readonly contentType?: string;
}

interface Reply {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

function send(target: PushTarget, { method, path, body, contentType }: Sent): Promise<Reply> {
  const headers: Record<string, string | number> = {};
  if (body !== undefined) headers["content-length"] = body.length;
  if (contentType !== undefined) headers["content-type"] = contentType;
  if (target.authorization !== undefined) headers["authorization"] = target.authorization;
  const url = new URL(path, target.origin);
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, { method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({
          status: answer.statusCode ?? 0,
          location: answer.headers.location,
          body: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
