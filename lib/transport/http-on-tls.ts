// Edge: HTTP.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import { limit } from "../limits.js";
import { ANONYMOUS, identityOfSubject } from "./peer-identity.js";
import type { Identity } from "./service.js";

/** Speaks HTTP/1.1 on TLS connections that somebody else has accepted; each request comes with the identity of its certificate. */
export function httpOnTls(
  onRequest: (request: IncomingMessage, response: ServerResponse, identity: Identity) => void,
): (socket: TLSSocket) => void {
  const server = createServer((request, response) => {
    onRequest(request, response, identityOfSocket(request.socket));
  });
  // Node looks after its timeouts for headers and requests only in a server that listens; this one bounds the silence of a connection.
  server.timeout = limit("silentPeerMs");
  return (socket) => {
    server.emit("connection", socket);
  };
}

function identityOfSocket(socket: unknown): Identity {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return ANONYMOUS;
  return identityOfSubject(socket.getPeerCertificate().subject) ?? ANONYMOUS;
}
