import type {
  BlobRange,
  BlobReply,
  ManifestReply,
  Registry,
  RegistryRequest,
} from "../../agent/image/registry/registry.js";
import { TallshipError } from "../../lib/errors.js";
import type { BuiltContent, BuiltImage } from "./built-image.js";
import { allContent } from "./image-archive.js";

/** What goes wrong at a registry. */
export interface RegistryFaults {
  /** Nobody answers. */
  readonly isDown?: boolean;
  /** Connections break after this many bytes of a blob. */
  readonly breakAfterBytes?: number;
  /** Whole answers, whatever range was asked for. */
  readonly hasNoRanges?: boolean;
  /** Blobs arrive with one byte changed. */
  readonly isCorrupt?: boolean;
  /** A blob waits for this before its first byte. */
  readonly gate?: (digest: string) => Promise<void>;
}

/** One request that a registry got, in words. */
export interface SeenRequest {
  readonly origin: string;
  readonly what: string;
  readonly username: string | undefined;
}

const PIECE_BYTES = 1_000;

/** Registries in memory, by origin. Passes the conformance suite that the one over HTTP passes; its faults are set at will. */
export class SimulatedRegistry implements Registry {
  /** Every request, in order. */
  readonly seen: SeenRequest[] = [];
  /** Bytes of blobs that were read. */
  sentBytes = 0;
  private readonly content = new Map<string, BuiltContent>();
  private readonly faults = new Map<string, RegistryFaults>();
  private readonly logins = new Map<string, { readonly username: string; readonly password: string }>();

  /** Puts an image into a registry under a tag and under its digest. */
  push(origin: string, repository: string, tag: string, image: BuiltImage): void {
    for (const each of allContent(image)) {
      const isManifest = each === image || image.children.some(({ digest }) => digest === each.digest);
      this.content.set(keyOf(origin, repository, isManifest ? "manifests" : "blobs", each.digest), each);
    }
    this.content.set(keyOf(origin, repository, "manifests", tag), image);
  }

  /** Sets what goes wrong at a registry from now on, in place of what went wrong before. */
  fail(origin: string, faults: RegistryFaults): void {
    this.faults.set(origin, faults);
  }

  /** From now on the registry wants this user. */
  lock(origin: string, username: string, password: string): void {
    this.logins.set(origin, { username, password });
  }

  async manifest(request: RegistryRequest, key: string): Promise<ManifestReply> {
    const { mediaType, digest, bytes } = this.find(request, "manifests", key);
    return { mediaType, digest, bytes };
  }

  async digestOf(request: RegistryRequest, key: string): Promise<string | undefined> {
    return this.find(request, "manifests", key).digest;
  }

  async blob(request: RegistryRequest, digest: string, { start, end }: BlobRange): Promise<BlobReply> {
    const { bytes } = this.find(request, "blobs", digest, start);
    const faults = this.faults.get(request.endpoint.origin) ?? {};
    const isWhole = faults.hasNoRanges === true;
    const sent = isWhole ? bytes : bytes.subarray(start, end);
    return { offsetBytes: isWhole ? 0 : start, content: this.counted(pieces(digest, sent, faults, request.signal)) };
  }

  close(): void {
    this.seen.length = 0;
  }

  private async *counted(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of content) {
      this.sentBytes += piece.length;
      yield piece;
    }
  }

  private find(request: RegistryRequest, kind: "manifests" | "blobs", key: string, offsetBytes = 0): BuiltContent {
    const { endpoint, credentials, signal } = request;
    const repository = [endpoint.repositoryPrefix, request.repository].filter((part) => part !== "").join("/");
    const what = `${repository}/${kind}/${key}${offsetBytes > 0 ? ` from ${offsetBytes}` : ""}`;
    this.seen.push({ origin: endpoint.origin, what, username: credentials?.username });
    if (signal.aborted) throw new TallshipError("cancelled", `${what} was cancelled`);
    if (this.faults.get(endpoint.origin)?.isDown === true) {
      throw new TallshipError("image_pull_failed", `${endpoint.origin} cannot be reached`);
    }
    const login = this.logins.get(endpoint.origin);
    if (login !== undefined && (credentials?.username !== login.username || credentials.password !== login.password)) {
      throw new TallshipError("image_unauthorized", `${endpoint.origin}: ${what}`);
    }
    const found = this.content.get(keyOf(endpoint.origin, repository, kind, key));
    if (found === undefined) throw new TallshipError("image_not_found", `${endpoint.origin}: ${what}`);
    return found;
  }
}

async function* pieces(
  digest: string,
  bytes: Uint8Array,
  faults: RegistryFaults,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (faults.gate !== undefined) await Promise.race([faults.gate(digest), givenUp(signal)]);
  const end = Math.min(bytes.length, faults.breakAfterBytes ?? bytes.length);
  for (let at = 0; at < end; at += PIECE_BYTES) {
    if (signal.aborted) throw new TallshipError("cancelled", "reading a blob was cancelled");
    const piece = Uint8Array.from(bytes.subarray(at, Math.min(at + PIECE_BYTES, end)));
    if (faults.isCorrupt === true && at === 0) piece[0] = (piece[0] ?? 0) ^ 0xff;
    yield piece;
  }
  if (end < bytes.length) throw new TallshipError("image_pull_failed", `the connection broke after ${end} bytes`);
}

/** Resolves when the caller gives up: a request over a wire ends then too, whatever the other side does. */
function givenUp(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function keyOf(origin: string, repository: string, kind: string, key: string): string {
  return `${origin}/${repository}/${kind}/${key}`;
}
