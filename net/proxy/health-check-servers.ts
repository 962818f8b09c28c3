// Edge: HTTP, one listener for each service that load balancers ask about.
import { createServer, type Server, type ServerResponse } from "node:http";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { HealthCheck, HealthChecks } from "./health-checks.js";

interface Listener {
  readonly server: Server;
  check: HealthCheck;
}

/**
 * Answers as kube-proxy does, so that what asks nodes of Kubernetes can ask these: 200 while the node has an endpoint, else 503, with the number of
 * them as JSON and as a header. Listens on every address of the host. A port that cannot be had is tried again with the next change; more connections than
 * limits.healthCheckConnections to one are cut.
 */
export function healthCheckServers(log: Log): HealthChecks {
  const listeners = new Map<number, Listener>();
  const close = (port: number): void => {
    const listener = listeners.get(port);
    listeners.delete(port);
    listener?.server.close();
    listener?.server.closeAllConnections();
  };
  const open = (check: HealthCheck): void => {
    const server = createServer(
      {
        headersTimeout: limit("handshakeMs"),
        requestTimeout: limit("handshakeMs"),
        keepAliveTimeout: limit("handshakeMs"),
      },
      (_request, response) => answer(response, listener.check),
    );
    const listener: Listener = { server, check };
    server.maxConnections = limit("healthCheckConnections");
    server.on("error", (error) => {
      // One that listens goes on after a connection that could not be taken.
      if (!server.listening && listeners.get(check.port) === listener) listeners.delete(check.port);
      log.warn("load balancers cannot ask about a service", {
        port: check.port,
        service: check.name,
        error: error.message,
      });
    });
    listeners.set(check.port, listener);
    // Of both families where the host has both.
    server.listen(check.port);
  };
  return {
    answer: (checks) => {
      const wanted = new Set(checks.map(({ port }) => port));
      for (const port of listeners.keys()) if (!wanted.has(port)) close(port);
      for (const check of checks) {
        const listener = listeners.get(check.port);
        if (listener === undefined) open(check);
        else listener.check = check;
      }
    },
    close: () => {
      for (const port of [...listeners.keys()]) close(port);
    },
  };
}

function answer(response: ServerResponse, { namespace, name, localEndpoints }: HealthCheck): void {
  const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: true };
  response
    .writeHead(localEndpoints > 0 ? 200 : 503, {
      "content-type": "application/json",
      "x-content-type-options": "nosniff",
      "x-load-balancing-endpoint-weight": String(localEndpoints),
    })
    .end(`${JSON.stringify(body)}\n`);
}
