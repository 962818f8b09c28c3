// Edge: listens for DNS questions over UDP and TCP.
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { type Query, RCODE, type Reply, readMessage, writeReply } from "./message.js";
import type { Responder } from "./responder.js";

const TCP_MAX_BYTES = 65_535;

/** A server that answers. */
export interface DnsServer {
  close(): void;
}

/** Listens on an address and port. Throws unavailable when the address is not there yet or taken. */
export async function listenDns(address: string, port: number, responder: Responder): Promise<DnsServer> {
  const udp = await listenUdp(address, port, responder);
  try {
    const tcp = await listenTcp(address, port, responder);
    return {
      close: () => {
        udp.close();
        tcp.close();
      },
    };
  } catch (error) {
    udp.close();
    throw error;
  }
}

function listenUdp(address: string, port: number, responder: Responder): Promise<UdpSocket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: limit("dnsSocketBytes") });
  let waiting = 0;
  socket.on("message", (bytes, from) => {
    const incoming = readMessage(bytes);
    if (incoming.is === "noise") return;
    if (incoming.is === "refused") return sendUdp(socket, incoming.reply, from);
    const { query } = incoming;
    const reply = responder.reply(query.question);
    if (!(reply instanceof Promise)) return sendUdp(socket, writeReply(query, reply, query.maxBytes), from);
    if (waiting >= limit("dnsUpstreamQuestions")) return sendUdp(socket, failure(query), from);
    waiting += 1;
    void reply
      .then((late) => sendUdp(socket, writeReply(query, late, query.maxBytes), from))
      .catch(() => sendUdp(socket, failure(query), from))
      .finally(() => {
        waiting -= 1;
      });
  });
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => reject(asTallshipError(error, "unavailable")));
    socket.bind({ address, port }, () => {
      socket.removeAllListeners("error");
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

function sendUdp(socket: UdpSocket, bytes: Buffer, to: RemoteInfo): void {
  socket.send(bytes, to.port, to.address, () => undefined);
}

function failure(query: Query): Buffer {
  return writeReply(query, { code: RCODE.serverFailure, answers: [], isAuthoritative: false }, query.maxBytes);
}

function listenTcp(address: string, port: number, responder: Responder): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => serveTcp(socket, responder));
  server.maxConnections = limit("dnsTcpConnections");
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(asTallshipError(error, "unavailable")));
    server.listen(port, address, () => {
      server.removeAllListeners("error");
      server.on("error", () => undefined);
      resolve(server);
    });
  });
}

/** Answers questions on one connection, one after the other. */
function serveTcp(socket: Socket, responder: Responder): void {
  let received = Buffer.alloc(0);
  let isAnswering = false;
  const next = async (): Promise<void> => {
    if (isAnswering) return;
    isAnswering = true;
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const length = received.readUInt16BE(0);
      const message = received.subarray(2, 2 + length);
      received = received.subarray(2 + length);
      await answerTcp(socket, message, responder);
    }
    isAnswering = false;
  };
  socket.setTimeout(limit("dnsTcpIdleMs"), () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    received = Buffer.concat([received, bytes]);
    if (received.length > 2 * TCP_MAX_BYTES) socket.destroy();
    else next().catch(() => socket.destroy());
  });
}

async function answerTcp(socket: Socket, message: Buffer, responder: Responder): Promise<void> {
  const incoming = readMessage(message);
  if (incoming.is === "noise") return void socket.destroy();
  const reply = incoming.is === "refused" ? incoming.reply : await replyOverTcp(incoming.query, responder);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(reply.length);
  socket.write(Buffer.concat([length, reply]));
}

async function replyOverTcp(query: Query, responder: Responder): Promise<Buffer> {
  const reply: Reply = await responder.reply(query.question);
  return writeReply(query, reply, TCP_MAX_BYTES);
}
