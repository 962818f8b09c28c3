// Edge: calls of registries that want to know who asks.
import type { IncomingMessage } from "node:http";
import type { Clock } from "../../../lib/clock.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { parseChallenge, parseToken, tokenUrl } from "./challenge.js";
import { type ExchangeRequest, HttpExchange, type RequestBody, where } from "./http-exchange.js";
import { redirectStep } from "./redirect.js";
import { refusalOf } from "./refusals.js";
import type { Endpoint, RegistryRequest } from "./registry.js";

/** Tokens kept; one per repository in use, and one per way of using it. */
const TOKENS_MAX = 1_000;
/** A token is not used in the last part of its life: the request must arrive before it ends. */
const TOKEN_MARGIN_MS = 10_000;
const TOKEN_BYTES_MAX = 65_536;

interface Token {
  readonly authorization: string;
  readonly goodUntilMs: number;
}

/** What is asked of an endpoint. */
export interface RegistryCall {
  readonly method: ExchangeRequest["method"];
  /** Below /v2/, or a whole address of the endpoint's own giving. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** What a token must allow, in the words of the distribution API. */
  readonly scopes: readonly string[];
  /** What is sent; opened again when the registry first wants to know who asks. */
  readonly body?: () => RequestBody;
  /** Answers that are none of the usual two and yet no failure. */
  readonly accepts?: readonly number[];
}

/** Who asks an endpoint. */
export type RegistryCaller = Pick<RegistryRequest, "endpoint" | "credentials" | "signal">;

/** An answer, and the request that got it after redirects. */
export interface Answer {
  readonly answer: IncomingMessage;
  readonly sent: ExchangeRequest;
}

/** Calls with bearer tokens and basic authentication. Credentials go to the endpoint and to the token server that it names, to nobody else. */
export class AuthorisedCalls {
  readonly exchange: HttpExchange;
  private readonly clock: Clock;
  private readonly tokens = new Map<string, Token>();

  constructor(clock: Clock) {
    this.clock = clock;
    this.exchange = new HttpExchange(clock);
  }

  /** One attempt; the error that the answer's status means when it is none of those accepted. */
  async call(caller: RegistryCaller, call: RegistryCall): Promise<Answer> {
    const { endpoint, signal } = caller;
    const { method, path, body, headers = {} } = call;
    const url = typeof path === "string" ? new URL(`${endpoint.origin}/v2/${path}`) : path;
    const key = tokenKey(caller, call.scopes);
    const isOwn = url.origin === endpoint.origin;
    const send = (authorization: string | undefined): Promise<Answer> => {
      const all = authorization === undefined || !isOwn ? headers : { ...headers, authorization };
      return this.follow({ method, url, headers: all, endpoint, signal, body: body?.() });
    };
    const first = await send(this.knownToken(key));
    if (first.answer.statusCode !== 401 || first.sent.url.origin !== endpoint.origin)
      return this.answered(first, caller, call);
    first.answer.resume();
    const authorization = await this.authorize(caller, call.scopes, first);
    if (authorization === undefined) throw unauthorized(first, caller);
    return this.answered(await send(authorization), caller, call);
  }

  /** The answer as JSON, and where its next page is. */
  async page(
    caller: RegistryCaller,
    call: RegistryCall,
  ): Promise<{ readonly bytes: Buffer; readonly next: URL | undefined }> {
    const { answer, sent } = await this.call(caller, call);
    const bytes = await this.exchange.whole(answer, sent, limit("registryListBytes"));
    const { link } = answer.headers;
    const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(Array.isArray(link) ? link.join(",") : (link ?? ""))?.[1];
    if (next === undefined || !URL.canParse(next, sent.url.href)) return { bytes, next: undefined };
    const url = new URL(next, sent.url);
    return { bytes, next: url.origin === caller.endpoint.origin ? url : undefined };
  }

  /** Lets go of idle connections. */
  close(): void {
    this.exchange.close();
  }

  private async answered(reply: Answer, caller: RegistryCaller, call: RegistryCall): Promise<Answer> {
    const status = reply.answer.statusCode ?? 0;
    if (status === 200 || status === 206 || call.accepts?.includes(status) === true) return reply;
    const told = await this.exchange
      .whole(reply.answer, reply.sent, limit("registryListBytes"))
      .catch(() => new Uint8Array());
    throw refusalOf({
      status,
      body: Buffer.from(told).toString("utf8"),
      where: where(reply.sent),
      hasLogin: caller.credentials !== undefined,
    });
  }

  private async follow(request: ExchangeRequest): Promise<Answer> {
    let sent = request;
    for (let followedCount = 0; ; followedCount += 1) {
      const answer = await this.exchange.send(sent);
      if (![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0)) return { answer, sent };
      answer.resume();
      if (request.body !== undefined)
        throw new TallshipError("image_push_failed", `${where(sent)}: redirected with content under way`);
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
  private async authorize(
    caller: RegistryCaller,
    scopes: readonly string[],
    refused: Answer,
  ): Promise<string | undefined> {
    const challenge = parseChallenge(refused.answer.headers["www-authenticate"]);
    if (challenge.scheme === "none") return undefined;
    const key = tokenKey(caller, scopes);
    const basic = basicAuthorization(caller);
    if (challenge.scheme === "basic") return this.keep(key, basic, Number.POSITIVE_INFINITY);
    const url = tokenUrl(challenge, scopes);
    const isDowngrade = url?.protocol !== "https:" && refused.sent.url.protocol === "https:";
    if (url === undefined || isDowngrade) {
      throw new TallshipError(
        "image_pull_failed",
        `${where(refused.sent)}: token server ${challenge.realm} is refused`,
      );
    }
    const headers: Record<string, string> = basic === undefined ? {} : { authorization: basic };
    const { endpoint, signal } = caller;
    const asked = await this.follow({ method: "GET", url, headers, endpoint, signal });
    if (asked.answer.statusCode !== 200) {
      asked.answer.resume();
      return undefined;
    }
    const parsed = parseToken((await this.exchange.whole(asked.answer, asked.sent, TOKEN_BYTES_MAX)).toString("utf8"));
    if (parsed === undefined)
      throw new TallshipError("image_pull_failed", `${where(asked.sent)}: the answer holds no token`);
    return this.keep(key, `Bearer ${parsed.token}`, this.clock.monotonicMs() + parsed.ttlMs - TOKEN_MARGIN_MS);
  }

  private keep(key: string, authorization: string | undefined, goodUntilMs: number): string | undefined {
    if (authorization === undefined) return undefined;
    if (this.tokens.size >= TOKENS_MAX) this.tokens.clear();
    this.tokens.set(key, { authorization, goodUntilMs });
    return authorization;
  }

  private knownToken(key: string): string | undefined {
    const token = this.tokens.get(key);
    return token !== undefined && token.goodUntilMs > this.clock.monotonicMs() ? token.authorization : undefined;
  }
}

/** The repository as an endpoint knows it. */
export function repositoryAt({ repositoryPrefix }: Endpoint, repository: string): string {
  return repositoryPrefix === "" ? repository : `${repositoryPrefix}/${repository}`;
}

function tokenKey({ endpoint, credentials }: RegistryCaller, scopes: readonly string[]): string {
  return JSON.stringify([endpoint.origin, scopes, credentials?.username, credentials?.password]);
}

function basicAuthorization({ credentials }: RegistryCaller): string | undefined {
  if (credentials === undefined) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, "utf8").toString("base64")}`;
}

function unauthorized({ sent }: Answer, { credentials }: RegistryCaller): TallshipError {
  const { status, hasLogin } = { status: 401, hasLogin: credentials !== undefined };
  return refusalOf({ status, body: "", where: where(sent), hasLogin });
}
