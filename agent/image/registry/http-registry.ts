// Edge: registries over HTTP.
import { isDigest } from "../../../kinds/image-reference.js";
import type { Clock } from "../../../lib/clock.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { digestOf } from "../digest.js";
import { MANIFEST_TYPES } from "../manifest.js";
import { type Answer, AuthorisedCalls, repositoryAt } from "./authorised-calls.js";
import { where } from "./http-exchange.js";
import type { BlobRange, BlobReply, ManifestReply, Registry, RegistryRequest } from "./registry.js";

/** The reading half of the distribution API over HTTP. */
export class HttpRegistry implements Registry {
  private readonly calls: AuthorisedCalls;

  constructor(clock: Clock) {
    this.calls = new AuthorisedCalls(clock);
  }

  async manifest(request: RegistryRequest, key: string): Promise<ManifestReply> {
    const { answer, sent } = await this.ask(request, "GET", `manifests/${key}`, { accept: MANIFEST_TYPES.join(", ") });
    const bytes = await this.calls.exchange.whole(answer, sent, limit("imageManifestBytes"));
    const digest = digestOf(bytes);
    const mediaType = answer.headers["content-type"]?.split(";")[0]?.trim() ?? "";
    return { mediaType, digest, bytes };
  }

  async digestOf(request: RegistryRequest, key: string): Promise<string | undefined> {
    const { answer } = await this.ask(request, "HEAD", `manifests/${key}`, { accept: MANIFEST_TYPES.join(", ") });
    answer.resume();
    const digest = answer.headers["docker-content-digest"];
    return typeof digest === "string" && isDigest(digest) ? digest : undefined;
  }

  async blob(request: RegistryRequest, digest: string, { start: from, end }: BlobRange): Promise<BlobReply> {
    const asksForAll = from === 0 && end === undefined;
    const headers: Record<string, string> = asksForAll
      ? {}
      : { range: `bytes=${from}-${end === undefined ? "" : end - 1}` };
    const { answer, sent } = await this.ask(request, "GET", `blobs/${digest}`, headers);
    const start = /^bytes ([0-9]+)-/.exec(answer.headers["content-range"] ?? "")?.[1];
    const startsAt = answer.statusCode === 206 ? Number(start) : 0;
    if (startsAt !== 0 && startsAt !== from) {
      answer.destroy();
      throw new TallshipError("image_pull_failed", `${where(sent)}: asked from byte ${from}, got ${start}`);
    }
    return { offsetBytes: startsAt, content: this.calls.exchange.body(answer, sent) };
  }

  /** Lets go of idle connections. */
  close(): void {
    this.calls.close();
  }

  private ask(
    request: RegistryRequest,
    method: "GET" | "HEAD",
    resource: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const repository = repositoryAt(request.endpoint, request.repository);
    const scopes = [`repository:${repository}:pull`];
    return this.calls.call(request, { method, path: `${repository}/${resource}`, headers, scopes });
  }
}
