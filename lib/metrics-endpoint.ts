// Edge: HTTP.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { TallshipError } from "./errors.js";
import { LIMITS } from "./limits.js";
import type { Role } from "./transport/peer-identity.js";
import type { Identity } from "./transport/service.js";

/** Answers one HTTP request. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse, identity: Identity) => void;

const READERS: readonly Identity["role"][] = ["metrics", "admin", "control-plane"] satisfies readonly Role[];

/** What is read: a registry, and what to bring up to date before. */
export interface MetricsSource {
  readonly registry: Registry;
  readonly refresh: () => void | Promise<void>;
}

/** Answers GET /metrics, for those who show a certificate of role metrics, admin or control-plane. */
export function metricsHandler(source: MetricsSource): HttpHandler {
  return (request, response, { role }) => {
    if (READERS.includes(role)) answer(source, request, response);
    else refuse(response, 403, `role ${role} may not read metrics`);
  };
}

/** Answers GET /metrics without TLS on 127.0.0.1 alone: what is on the host may know. Returns the port and how to stop. */
export function startLocalMetrics(
  source: MetricsSource,
  port: number,
): Promise<{ readonly port: number; readonly close: () => void }> {
  const options = { headersTimeout: LIMITS.rpcDeadlineMs.value, requestTimeout: LIMITS.rpcDeadlineMs.value };
  const server = createServer(options, (request, response) => answer(source, request, response));
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new TallshipError("failed_precondition", `listen on 127.0.0.1:${port}: ${cause.message}`, { cause })),
    );
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      const close = (): void => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ port: typeof address === "object" && address !== null ? address.port : port, close });
    });
  });
}

function answer(
  { registry, refresh }: MetricsSource,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): void {
  if (method !== "GET" || url !== "/metrics") {
    refuse(response, 404, "there is only GET /metrics here");
    return;
  }
  textOf(registry, refresh).then(
    (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
    (error: unknown) => refuse(response, 500, String(error)),
  );
}

async function textOf(registry: Registry, refresh: MetricsSource["refresh"]): Promise<string> {
  await refresh();
  return registry.metrics();
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(`${why}\n`);
}
