// Edge: HTTP over mTLS, between a control plane that has moved and the node ports of its cluster.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { Clock } from "../clock.js";
import { TallshipError } from "../errors.js";
import { limit } from "../limits.js";
import type { HttpHandler } from "../metrics-endpoint.js";
import type { Credentials } from "./credentials.js";
import { identityOfSubject } from "./peer-identity.js";
import { contextOptions } from "./tls-listener.js";

/** Where a node is told. */
const PATH = "/control-plane";

/** No address is longer. */
const MOST_BYTES = 300;

/** An address and a port. */
const ADDRESS = /^[^\s:]{1,255}:\d{1,5}$/;

/**
 * Takes POST /control-plane, whose body is host:port, from control planes; everything else goes to `others`. What is learned is only where to look: whoever serves there
 * must show the certificate of a control plane of this cluster.
 */
export function movedControlPlaneHandler(learn: (address: string) => void, others: HttpHandler): HttpHandler {
  return (request, response, identity) => {
    if (request.url !== PATH || request.method !== "POST") return others(request, response, identity);
    if (identity.role !== "control-plane")
      return answer(response, 403, `role ${identity.role} may not say where control planes are`);
    takeText(request, (text) => {
      if (text === undefined || !ADDRESS.test(text)) return answer(response, 400, "want an address and a port");
      learn(text);
      answer(response, 204, "");
    });
  };
}

function takeText(request: IncomingMessage, take: (text: string | undefined) => void): void {
  const pieces: Buffer[] = [];
  let size = 0;
  request.on("data", (piece: Buffer) => {
    size += piece.length;
    if (size <= MOST_BYTES) pieces.push(piece);
  });
  request.on("end", () => take(size > MOST_BYTES ? undefined : Buffer.concat(pieces).toString()));
  request.on("error", () => undefined);
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(text === "" ? "" : `${text}\n`);
}

/** A node and where its port is. */
export interface ToldNode {
  readonly name: string;
  /** host:port. */
  readonly address: string;
}

/** Tells a node where a control plane is now. Throws unavailable when it does not answer, is another node, or refuses. */
export function tellMovedControlPlane(
  node: ToldNode,
  controlPlane: string,
  { credentials, clock }: { readonly credentials: Credentials; readonly clock: Clock },
): Promise<void> {
  const { ca, cert, key, minVersion, maxVersion } = contextOptions(credentials);
  const agent = new Agent({
    ...{ ca, cert, key, minVersion, maxVersion },
    servername: "tallship",
    checkServerIdentity: (_host, certificate) => {
      const identity = identityOfSubject(certificate.subject);
      if (identity?.role === "node" && identity.name === node.name) return undefined;
      return new Error(`${node.address} is ${identity?.role} ${identity?.name}, not node ${node.name}`);
    },
  });
  const failed = (cause: Error): TallshipError =>
    new TallshipError("unavailable", `tell node ${node.name} at ${node.address}: ${cause.message}`, { cause });
  return new Promise<void>((resolve, reject) => {
    const sent = httpsRequest(`https://${node.address}${PATH}`, { agent, method: "POST" });
    const cancel = clock.after(limit("dialMs"), () => sent.destroy(new Error("no answer")));
    sent.on("response", (got) => {
      got.resume();
      cancel();
      if (got.statusCode === 204) resolve();
      else reject(failed(new Error(`status ${got.statusCode}`)));
    });
    sent.on("error", (error) => {
      cancel();
      reject(failed(error));
    });
    sent.end(controlPlane);
  }).finally(() => agent.destroy());
}
