// Edge: registries over HTTP.
import type { IncomingMessage } from "node:http";
import { isDigest } from "../../../kinds/image-reference.js";
import type { Clock } from "../../../lib/clock.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { digestOf } from "../digest.js";
import { MANIFEST_TYPES } from "../manifest.js";
import { parseChallenge, parseToken, tokenUrl } from "./challenge.js";
import { type ExchangeRequest, HttpExchange, where } from "./http-exchange.js";
import { redirectStep } from "./redirect.js";
import type { BlobRange, BlobReply, ManifestReply, Registry, RegistryRequest } from "./registry.js";

/** Tokens kept; one per repository in use. */
const TOKENS_MAX = 1_000;
/** A token is not used in the last part of its life: the request must arrive before it ends. */
const TOKEN_MARGIN_MS = 10_000;
const TOKEN_BYTES_MAX = 65_536;

interface Token {
  readonly authorization: string;
  readonly goodUntilMs: number;
}

interface Answer {
  readonly answer: IncomingMessage;
  /** The request that was answered, after redirects. */
  readonly sent: ExchangeRequest;
}

/** The distribution API over HTTP, with bearer tokens and basic authentication. */
export class HttpRegistry implements Registry {
  private readonly clock: Clock;
  private readonly exchange: HttpExchange;
  private readonly tokens = new Map<string, Token>();

  constructor(clock: Clock) {
    this.clock = clock;
    this.exchange = new HttpExchange(clock);
  }

  async manifest(request: RegistryRequest, key: string): Promise<ManifestReply> {
    const { answer, sent } = await this.ask(request, "GET", `manifests/${key}`, { accept: MANIFEST_TYPES.join(", ") });
    const bytes = await this.exchange.whole(answer, sent, limit("imageManifestBytes"));
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
    return { offsetBytes: startsAt, content: this.exchange.body(answer, sent) };
  }

  /** Lets go of idle connections. */
  close(): void {
    this.exchange.close();
  }

  private async ask(
    request: RegistryRequest,
    method: "GET" | "HEAD",
    resource: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const { endpoint, signal } = request;
    const url = new URL(`${endpoint.origin}/v2/${repositoryOf(request)}/${resource}`);
    const send = (authorization: string | undefined): Promise<Answer> => {
      const all = authorization === undefined ? headers : { ...headers, authorization };
      return this.follow({ method, url, headers: all, endpoint, signal });
    };
    const first = await send(this.knownToken(request));
    if (first.answer.statusCode !== 401 || first.sent.url.origin !== url.origin) return answered(first);
    first.answer.resume();
    const authorization = await this.authorize(request, first);
    if (authorization === undefined) throw unauthorized(first, request);
    return answered(await send(authorization));
  }

  private async follow(request: ExchangeRequest): Promise<Answer> {
    let sent = request;
    for (let followedCount = 0; ; followedCount += 1) {
      const answer = await this.exchange.send(sent);
      if (![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0)) return { answer, sent };
      answer.resume();
      const step = redirectStep(sent.url, answer.headers.location, followedCount);
      if (step.is === "refuse") {
        throw new TallshipError("image_pull_failed", `${where(sent)}: redirected ${step.why}`);
      }
      const { authorization, ...bare } = sent.headers;
      const keeps = step.keepsAuthorization && authorization !== undefined;
      sent = { ...sent, url: step.url, headers: keeps ? { ...bare, authorization } : bare };
    }
  }

  /** The Authorization header that satisfies a 401; undefined when there is none to give. */
  private async authorize(request: RegistryRequest, refused: Answer): Promise<string | undefined> {
    const challenge = parseChallenge(refused.answer.headers["www-authenticate"]);
    if (challenge.scheme === "none") return undefined;
    const basic = basicAuthorization(request);
    if (challenge.scheme === "basic") return this.keep(request, basic, Number.POSITIVE_INFINITY);
    const url = tokenUrl(challenge, repositoryOf(request));
    const isDowngrade = url?.protocol !== "https:" && refused.sent.url.protocol === "https:";
    if (url === undefined || isDowngrade) {
      throw new TallshipError(
        "image_pull_failed",
        `${where(refused.sent)}: token server ${challenge.realm} is refused`,
      );
    }
    const headers: Record<string, string> = basic === undefined ? {} : { authorization: basic };
    const asked = await this.follow({
      method: "GET",
      url,
      headers,
      endpoint: request.endpoint,
      signal: request.signal,
    });
    if (asked.answer.statusCode !== 200) {
      asked.answer.resume();
      return undefined;
    }
    const parsed = parseToken((await this.exchange.whole(asked.answer, asked.sent, TOKEN_BYTES_MAX)).toString("utf8"));
    if (parsed === undefined)
      throw new TallshipError("image_pull_failed", `${where(asked.sent)}: the answer holds no token`);
    return this.keep(request, `Bearer ${parsed.token}`, this.clock.monotonicMs() + parsed.ttlMs - TOKEN_MARGIN_MS);
  }

  private keep(request: RegistryRequest, authorization: string | undefined, goodUntilMs: number): string | undefined {
    if (authorization === undefined) return undefined;
    if (this.tokens.size >= TOKENS_MAX) this.tokens.clear();
    this.tokens.set(tokenKey(request), { authorization, goodUntilMs });
    return authorization;
  }

  private knownToken(request: RegistryRequest): string | undefined {
    const token = this.tokens.get(tokenKey(request));
    return token !== undefined && token.goodUntilMs > this.clock.monotonicMs() ? token.authorization : undefined;
  }
}

function repositoryOf({ endpoint, repository }: RegistryRequest): string {
  return endpoint.repositoryPrefix === "" ? repository : `${endpoint.repositoryPrefix}/${repository}`;
}

function tokenKey(request: RegistryRequest): string {
  const { endpoint, credentials } = request;
  return JSON.stringify([endpoint.origin, repositoryOf(request), credentials?.username, credentials?.password]);
}

function basicAuthorization({ credentials }: RegistryRequest): string | undefined {
  if (credentials === undefined) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, "utf8").toString("base64")}`;
}

/** The answer when it is one; else the error that its status means. */
function answered(reply: Answer): Answer {
  const { answer, sent } = reply;
  const status = answer.statusCode ?? 0;
  if (status === 200 || status === 206) return reply;
  answer.resume();
  if (status === 401 || status === 403)
    throw new TallshipError("image_unauthorized", `${where(sent)}: status ${status}`);
  if (status === 404) throw new TallshipError("image_not_found", `${where(sent)}: status 404`);
  throw new TallshipError("image_pull_failed", `${where(sent)}: status ${status}`);
}

function unauthorized({ sent }: Answer, { credentials }: RegistryRequest): TallshipError {
  const why = credentials === undefined ? "wants credentials, none are given" : "refuses the credentials";
  return new TallshipError("image_unauthorized", `${where(sent)}: the registry ${why}`);
}
