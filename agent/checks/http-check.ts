// Edge: asks a container over HTTP.
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { limit } from "../../lib/limits.js";
import type { CheckResult, CheckTarget } from "./check.js";

type HttpTarget = Extract<CheckTarget, { is: "http" }>;

/**
 * Passes on a status from 200 to 399. Certificates are not verified: the address is the pod's own. A redirect is followed on the same host
 * and passes when it leads elsewhere. As in Kubernetes.
 */
export async function checkHttp(target: HttpTarget, signal: AbortSignal): Promise<CheckResult> {
  let at = target;
  for (let redirects = 0; ; redirects += 1) {
    const { status, location, body } = await ask(at, signal);
    const next = status >= 300 && status < 400 && location !== "" ? redirected(at, location) : undefined;
    if (next === undefined) return verdictOf(status, body);
    if (redirects >= limit("checkRedirects"))
      return { isPassed: false, message: `stopped after ${limit("checkRedirects")} redirects` };
    at = next;
  }
}

function verdictOf(status: number, body: string): CheckResult {
  const isPassed = status >= 200 && status < 400;
  return { isPassed, message: isPassed ? body : `HTTP probe failed with statuscode: ${status}` };
}

/** Where a redirect leads on the same host; undefined when it leads elsewhere or is malformed. */
function redirected(from: HttpTarget, location: string): HttpTarget | undefined {
  const base = `${from.scheme.toLowerCase()}://${hostText(from.host)}:${from.port}${from.path}`;
  if (!URL.canParse(location, base)) return undefined;
  const url = new URL(location, base);
  if (url.hostname !== new URL(base).hostname || !/^https?:$/.test(url.protocol)) return undefined;
  const scheme = url.protocol === "https:" ? "HTTPS" : "HTTP";
  const port = Number(url.port || (scheme === "HTTPS" ? 443 : 80));
  return { ...from, scheme, port, path: `${url.pathname}${url.search}` };
}

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly body: string;
}

function ask({ scheme, host, port, path, headers }: HttpTarget, signal: AbortSignal): Promise<Answer> {
  const send = scheme === "HTTPS" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = send({
      host,
      port,
      path,
      signal,
      agent: false,
      rejectUnauthorized: false,
      headers: { "User-Agent": "tallship-probe", Accept: "*/*", Connection: "close", ...headersOf(headers) },
    });
    outgoing.once("error", reject);
    outgoing.once("response", (incoming) => {
      readSome(incoming, (body) =>
        resolve({ status: incoming.statusCode ?? 0, location: incoming.headers.location ?? "", body }),
      );
    });
    outgoing.end();
  });
}

/** One that stands once is a text: node takes no list for a Host over TLS, whose name the server is asked by. */
function headersOf(headers: HttpTarget["headers"]): Record<string, string | string[]> {
  const all: Record<string, string[]> = {};
  for (const { name, value } of headers) all[name] = [...(all[name] ?? []), value];
  return Object.fromEntries(
    Object.entries(all).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : values]),
  );
}

/** The first bytes of the answer; the rest is not taken. */
function readSome(incoming: IncomingMessage, done: (text: string) => void): void {
  const pieces: Buffer[] = [];
  let size = 0;
  const finish = (): void => {
    incoming.destroy();
    done(Buffer.concat(pieces).subarray(0, limit("checkMessageBytes")).toString("utf8"));
  };
  incoming.on("data", (piece: Buffer) => {
    pieces.push(piece);
    size += piece.length;
    if (size >= limit("checkBodyBytes")) finish();
  });
  incoming.once("end", finish);
  incoming.once("error", finish);
}

function hostText(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
