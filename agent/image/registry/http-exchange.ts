// Edge: one HTTP request, with deadlines.
import { readFileSync } from "node:fs";
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { rootCertificates } from "node:tls";
import type { Clock } from "../../../lib/clock.js";
import { asTallshipError, TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { Endpoint } from "./registry.js";

/** One request. */
export interface ExchangeRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly endpoint: Endpoint;
  readonly signal: AbortSignal;
  /** What is sent; nothing when absent. Read once: such a request follows no redirect. */
  readonly body?: RequestBody | undefined;
}

/** What a request sends. */
export interface RequestBody {
  readonly sizeBytes: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** Keeps connections open between requests, apart by how certificates are verified. */
export class HttpExchange {
  private readonly clock: Clock;
  private readonly http = new HttpAgent({ keepAlive: true, maxFreeSockets: 4 });
  private readonly https = new Map<string, HttpsAgent>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Sends a request and resolves with the head of the answer; the caller reads or destroys the rest. No redirects. */
  send(request: ExchangeRequest): Promise<IncomingMessage> {
    const { url, method, endpoint, signal, body } = request;
    return new Promise((resolve, reject) => {
      const isTls = url.protocol === "https:";
      const headers = { ...request.headers, ...(body === undefined ? {} : { "content-length": body.sizeBytes }) };
      const options = { method, headers, agent: isTls ? this.tlsAgent(endpoint) : this.http, signal };
      const sent = isTls ? httpsRequest(url, options) : httpRequest(url, options);
      const late = (): void => {
        sent.destroy(new Error(`no answer within ${limit("registryAnswerMs")} ms`));
      };
      let cancel = this.clock.after(limit("registryAnswerMs"), late);
      sent.on("response", (answer) => {
        cancel();
        resolve(answer);
      });
      sent.on("error", (error) => {
        cancel();
        reject(failed(request, error));
      });
      if (body === undefined) sent.end();
      else {
        cancel();
        // The registry has its time for an answer from the last byte on.
        this.pour(body, sent).then(
          () => {
            cancel = this.clock.after(limit("registryAnswerMs"), late);
          },
          (error: unknown) => void sent.destroy(asTallshipError(error)),
        );
      }
    });
  }

  /** Sends a body as fast as the other side takes it; a pause longer than limits.registryStallMs breaks it off. */
  private async pour({ content }: RequestBody, sent: ClientRequest): Promise<void> {
    const late = (): void => {
      sent.destroy(new Error(`no bytes taken for ${limit("registryStallMs")} ms`));
    };
    let answer: IncomingMessage | undefined;
    sent.once("response", (early) => {
      answer = early;
    });
    for await (const chunk of content) {
      // An answer before the end is a refusal: what follows on this connection would be taken for the rest.
      if (answer !== undefined) return void answer.once("close", () => sent.destroy());
      if (sent.destroyed) return;
      if (sent.write(chunk)) continue;
      const cancel = this.clock.after(limit("registryStallMs"), late);
      await new Promise<void>((resolve) => {
        sent.once("drain", resolve).once("close", resolve).once("response", resolve);
      }).finally(cancel);
    }
    sent.end();
  }

  /** The body of an answer. A pause longer than limits.registryStallMs breaks it off. */
  async *body(answer: IncomingMessage, request: ExchangeRequest): AsyncGenerator<Buffer> {
    const chunks: AsyncIterator<Buffer> = answer[Symbol.asyncIterator]();
    const late = (): void => {
      answer.destroy(new Error(`no bytes for ${limit("registryStallMs")} ms`));
    };
    try {
      for (;;) {
        const cancel = this.clock.after(limit("registryStallMs"), late);
        const next = await chunks.next().finally(cancel);
        // What had arrived before an abort is not given out any more.
        if (request.signal.aborted) throw new Error("aborted");
        if (next.done === true) return;
        yield next.value;
      }
    } catch (error) {
      throw failed(request, error);
    } finally {
      answer.destroy();
    }
  }

  /** The body of an answer as a whole; image_refused when it is longer than allowed. */
  async whole(answer: IncomingMessage, request: ExchangeRequest, maxBytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let total = 0;
    for await (const chunk of this.body(answer, request)) {
      total += chunk.length;
      if (total > maxBytes) {
        throw new TallshipError("image_refused", `${where(request)}: the answer is longer than ${maxBytes} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** Lets go of idle connections. */
  close(): void {
    for (const agent of [this.http, ...this.https.values()]) agent.destroy();
  }

  private tlsAgent({ caPath, isUnverified }: Endpoint): HttpsAgent {
    const key = `${caPath ?? ""} ${isUnverified}`;
    const known = this.https.get(key);
    if (known !== undefined) return known;
    // A registry that is told to have a private authority may still redirect to public storage.
    const ca = caPath === undefined ? undefined : [...rootCertificates, readFileSync(caPath, "utf8")];
    const agent = new HttpsAgent({ keepAlive: true, maxFreeSockets: 4, ca, rejectUnauthorized: !isUnverified });
    this.https.set(key, agent);
    return agent;
  }
}

/** The request as an error names it. */
export function where({ method, url }: Pick<ExchangeRequest, "method" | "url">): string {
  // The query of a redirected address may hold a signature.
  return `${method} ${url.origin}${url.pathname}`;
}

/** What OpenSSL says in the words of records. */
const NO_TLS =
  "the server gave an HTTP response to an HTTPS client: if it is to be asked without encryption, registries.yaml names it with http://";

function failed(request: ExchangeRequest, error: unknown): TallshipError {
  if (error instanceof TallshipError) return error;
  if (request.signal.aborted) return new TallshipError("cancelled", `${where(request)} was cancelled`);
  const why = error instanceof AggregateError ? String(error.errors[0]) : String(error);
  const told = /wrong version number/.test(why) ? NO_TLS : why.replace(/^Error: /, "").trim();
  return new TallshipError("image_pull_failed", `${where(request)}: ${told}`, { cause: error });
}
