// Edge: sockets.
import { constants } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";
import type { Clock } from "../clock.js";
import { TallshipError } from "../errors.js";
import { LIMITS } from "../limits.js";
import type { Log } from "../log.js";
import { AcceptGate } from "./accept-gate.js";
import type { CredentialSource, Credentials } from "./credentials.js";
import { OpenConnections } from "./open-connections.js";

/** Where to listen, as whom, and what becomes of connections. */
export interface TlsListenerOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly credentials: CredentialSource;
  /** "required" refuses peers without a certificate of the authority; "none" asks for none. */
  readonly clientCertificates: "required" | "none";
  readonly clock: Clock;
  readonly log: Log;
  /** A peer that speaks HTTP/2 and nothing else: gRPC. */
  readonly onGrpc: (socket: TLSSocket) => void;
  /** Any other peer. */
  readonly onHttp: (socket: TLSSocket) => void;
}

/** A listener that is up. */
export interface TlsListener {
  readonly port: number;
  /** No more connections; those that are open stay. */
  close(): void;
  /** Cuts those that are open, and those whose handshake is still to end, without waiting for their peers. For after close. */
  drop(): void;
}

/**
 * Accepts TLS 1.3 only. New connections use the current credentials; a connection is closed when its peer's certificate expires, and sessions are not
 * resumed, so that no certificate outlives its end. Handshakes begin a few at a time, whoever comes: see AcceptGate.
 */
export function listenTls(options: TlsListenerOptions): Promise<TlsListener> {
  const tls = createTlsServer({ ...contextOptions(options.credentials.current()), ...serverOptions(options) });
  const stopRenewing = options.credentials.onChange(() =>
    tls.setSecureContext(contextOptions(options.credentials.current())),
  );
  const { server, gate } = gatedServer(options, (socket) => tls.emit("connection", socket));
  const connections = new OpenConnections(options.clock, options.log);
  tls.on("secureConnection", (socket) => {
    if (connections.add(socket)) accept(socket, options, connections);
  });
  tls.on("tlsClientError", (error, socket) => {
    options.log.debug("tls handshake failed", { peer: socket.remoteAddress, reason: error.message });
  });
  const close = (): void => {
    stopRenewing();
    server.close();
    gate.close();
  };
  return listening(server, options, { close, drop: () => connections.drop() });
}

/** Accepts connections, and hands over those that may begin, of which nothing was read. */
function gatedServer(
  { clock, log }: TlsListenerOptions,
  begin: (socket: Socket) => void,
): { readonly server: Server; readonly gate: AcceptGate<Socket> } {
  const gate = new AcceptGate<Socket>({
    clock,
    begin: (socket) => {
      if (!socket.destroyed) begin(socket);
    },
    nextTurn: (call) => void setImmediate(call),
    onCut: (count) => log.info("connections cut unheard: more came than can be begun", { count }),
  });
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    socket.on("error", (error) =>
      log.debug("connection failed", { peer: socket.remoteAddress, reason: error.message }),
    );
    gate.arrive(socket);
  });
  server.maxConnections = LIMITS.connectionsPerListener.value;
  return { server, gate };
}

/** What makes a TLS context of credentials, for either side. */
export function contextOptions({ caPem, pair }: Credentials): TlsOptions {
  return {
    ca: caPem,
    ...(pair === undefined ? {} : { cert: `${pair.certificatePem}${caPem}`, key: pair.keyPem }),
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function serverOptions({ clientCertificates }: TlsListenerOptions): TlsOptions {
  return {
    requestCert: clientCertificates === "required",
    rejectUnauthorized: clientCertificates === "required",
    handshakeTimeout: LIMITS.handshakeMs.value,
    // A browser or scraper that knows HTTP/1.1 gets it; gRPC clients offer h2 alone.
    ALPNCallback: ({ protocols }) =>
      protocols.includes("http/1.1") ? "http/1.1" : protocols.includes("h2") ? "h2" : undefined,
  };
}

function listening(server: Server, options: TlsListenerOptions, ends: Omit<TlsListener, "port">): Promise<TlsListener> {
  return new Promise((resolve, reject) => {
    const refused = (cause: Error): void => {
      ends.close();
      const where = `${options.host}:${options.port}`;
      reject(new TallshipError("failed_precondition", `listen on ${where}: ${cause.message}`, { cause }));
    };
    server.once("error", refused);
    server.listen({ host: options.host, port: options.port, backlog: 1_024 }, () => {
      server.off("error", refused);
      server.on("error", (error) => options.log.error("listener failed", { error }));
      const address = server.address();
      resolve({ port: typeof address === "object" && address !== null ? address.port : options.port, ...ends });
    });
  });
}

function accept(socket: TLSSocket, options: TlsListenerOptions, connections: OpenConnections): void {
  socket.on("error", (error) =>
    options.log.debug("connection failed", { peer: socket.remoteAddress, reason: error.message }),
  );
  // A certificate as an object of its own costs four times as much to make.
  if (options.clientCertificates === "required") closeAtExpiry(socket, socket.getPeerCertificate().valid_to, options);
  if (socket.alpnProtocol !== "h2") {
    options.onHttp(socket);
    return;
  }
  options.onGrpc(socket);
  connections.cutWhenSilent(socket);
}

function closeAtExpiry(socket: TLSSocket, validTo: string, { clock, log }: TlsListenerOptions): void {
  const expiresAtMs = Date.parse(validTo);
  const look = (): void => {
    const leftMs = expiresAtMs - clock.nowMs();
    if (leftMs > 0) {
      cancel = clock.after(Math.min(leftMs, 86_400_000), look);
      return;
    }
    log.info("connection closed: its certificate has expired", { peer: socket.remoteAddress });
    socket.destroy();
  };
  let cancel = clock.after(0, look);
  socket.once("close", () => cancel());
}
