// Edge: sends images to registries over HTTP, and reads their catalogues.
import { isDigest } from "../../../kinds/image-reference.js";
import type { Clock } from "../../../lib/clock.js";
import { hasCode, TallshipError } from "../../../lib/errors.js";
import { asObject, asTexts } from "../../../lib/json-shape.js";
import { limit } from "../../../lib/limits.js";
import { type Answer, AuthorisedCalls, type RegistryCaller, repositoryAt } from "./authorised-calls.js";
import { type RequestBody, where } from "./http-exchange.js";
import { redirectStep } from "./redirect.js";
import type { RegistryRequest } from "./registry.js";
import type { BlobOffer, BlobOutcome, ManifestOffer, RegistryDesk } from "./registry-desk.js";

const CATALOG_SCOPES = ["registry:catalog:*"];

/** The writing half of the distribution API over HTTP, and its lists. */
export class HttpDesk implements RegistryDesk {
  private readonly calls: AuthorisedCalls;

  constructor(clock: Clock) {
    this.calls = new AuthorisedCalls(clock);
  }

  async putBlob(request: RegistryRequest, { digest, from, open }: BlobOffer): Promise<BlobOutcome> {
    const repository = repositoryAt(request.endpoint, request.repository);
    const scopes = writing(repository);
    if (await this.holds(request, { repository, digest, scopes })) return "was there";
    const source = from === undefined ? undefined : repositoryAt(request.endpoint, from);
    const query = source === undefined ? "" : `?${new URLSearchParams({ mount: digest, from: source })}`;
    const path = `${repository}/blobs/uploads/${query}`;
    const reading = source === undefined ? [] : [`repository:${source}:pull`];
    const headers = { "content-length": "0" };
    const opening = { method: "POST", path, headers, scopes: [...scopes, ...reading], accepts: [201, 202] } as const;
    const opened = await this.calls.call(request, opening);
    opened.answer.resume();
    if (opened.answer.statusCode === 201) return "mounted";
    const url = placeOf(opened);
    url.searchParams.set("digest", digest);
    const put = { method: "PUT", path: url, headers: BYTES, scopes: opening.scopes, accepts: [201, 204] } as const;
    const { answer } = await this.calls.call(request, { ...put, body: open });
    answer.resume();
    return "sent";
  }

  async putManifest(request: RegistryRequest, { tag, mediaType, bytes }: ManifestOffer): Promise<string | undefined> {
    const repository = repositoryAt(request.endpoint, request.repository);
    const body = (): RequestBody => ({ sizeBytes: bytes.length, content: once(bytes) });
    const headers = { "content-type": mediaType };
    const path = `${repository}/manifests/${tag}`;
    const scopes = writing(repository);
    const { answer } = await this.calls.call(request, { method: "PUT", path, headers, scopes, body, accepts: [201] });
    answer.resume();
    const digest = answer.headers["docker-content-digest"];
    return typeof digest === "string" && isDigest(digest) ? digest : undefined;
  }

  async *repositories(caller: RegistryCaller): AsyncGenerator<string> {
    let path: string | URL | undefined = "_catalog?n=1000";
    for (let pages = 0; path !== undefined && pages < limit("registryListPages"); pages += 1) {
      const call = { method: "GET", path, scopes: CATALOG_SCOPES } as const;
      const page: Awaited<ReturnType<AuthorisedCalls["page"]>> = await this.calls
        .page(caller, call)
        .catch((error: unknown) => {
          throw withoutCatalogue(caller, error);
        });
      yield* listIn(page.bytes, "repositories");
      path = page.next;
    }
  }

  async tags(request: RegistryRequest): Promise<readonly string[]> {
    const repository = repositoryAt(request.endpoint, request.repository);
    const scopes = [`repository:${repository}:pull`];
    const { bytes } = await this.calls.page(request, { method: "GET", path: `${repository}/tags/list`, scopes });
    return listIn(bytes, "tags");
  }

  close(): void {
    this.calls.close();
  }

  private async holds(
    request: RegistryRequest,
    {
      repository,
      digest,
      scopes,
    }: { readonly repository: string; readonly digest: string; readonly scopes: readonly string[] },
  ): Promise<boolean> {
    try {
      const { answer } = await this.calls.call(request, {
        method: "HEAD",
        path: `${repository}/blobs/${digest}`,
        scopes,
      });
      answer.resume();
      return true;
    } catch (error) {
      if (hasCode(error, "image_not_found")) return false;
      throw error;
    }
  }
}

const BYTES = { "content-type": "application/octet-stream" };

function writing(repository: string): readonly string[] {
  return [`repository:${repository}:pull,push`];
}

/** Where the bytes of an upload go. */
function placeOf({ answer, sent }: Answer): URL {
  const step = redirectStep(sent.url, answer.headers.location, 0);
  if (step.is === "follow") return step.url;
  throw new TallshipError("image_push_failed", `${where(sent)}: the upload leads ${step.why}`);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Names in a list of the registry's; an empty one may be null. */
function listIn(bytes: Uint8Array, field: string): readonly string[] {
  try {
    return asTexts(asObject(JSON.parse(Buffer.from(bytes).toString("utf8")))?.[field]);
  } catch (cause) {
    throw new TallshipError("image_pull_failed", `the registry's list of ${field} is not JSON`, { cause });
  }
}

function withoutCatalogue({ endpoint, credentials }: RegistryCaller, error: unknown): unknown {
  const isLocked = hasCode(error, "image_unauthorized");
  if (!isLocked && !hasCode(error, "image_not_found")) return error;
  const { host } = new URL(endpoint.origin);
  const login = isLocked && credentials === undefined ? `, or wants a login: tsctl login ${host}` : "";
  return new TallshipError(
    "not_supported",
    `registry ${host} has no catalogue that can be searched${login}; pull an image by its name`,
    { cause: error },
  );
}
