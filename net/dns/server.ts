// Edge: listens for DNS questions over UDP and TCP.
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { type Query, RCODE, type Reply, readMessage, writeReply } from "./message.js";

const TCP_MAX_BYTES = 65_535;

/** Knows the answers. */
export interface Answerer {
  /** The whole reply to the bytes of a common query; undefined when it has to be read first. */
  fast(query: Buffer, asker: string): Buffer | undefined;
  /** The reply to a question of this address; a promise only when others must be asked. */
  reply(question: Query["question"], asker: string): Reply | Promise<Reply>;
}

/** A server that answers. */
export interface DnsServer {
  close(): void;
}

/** Listens on an address and port. Throws unavailable when the address is not there yet or taken. */
export async function listenDns(address: string, port: number, answerer: Answerer): Promise<DnsServer> {
  const udp = await listenUdp(address, port, answerer);
  try {
    const tcp = await listenTcp(address, port, answerer);
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

function listenUdp(address: string, port: number, answerer: Answerer): Promise<UdpSocket> {
  // Addresses are looked up by nobody: they came with the questions, as numbers.
  const socket = createSocket({
    type: "udp4",
    recvBufferSize: limit("dnsSocketBytes"),
    lookup: (address, _options, found) => found(null, address, 4),
  });
  let waiting = 0;
  socket.on("message", (bytes, from) => {
    const fast = answerer.fast(bytes, from.address);
    if (fast !== undefined) return sendUdp(socket, fast, from);
    const incoming = readMessage(bytes);
    if (incoming.is === "noise") return;
    if (incoming.is === "refused") return sendUdp(socket, incoming.reply, from);
    const { query } = incoming;
    const reply = answerer.reply(query.question, from.address);
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

function listenTcp(address: string, port: number, answerer: Answerer): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => serveTcp(socket, answerer));
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
function serveTcp(socket: Socket, answerer: Answerer): void {
  let received = Buffer.alloc(0);
  let isAnswering = false;
  const next = async (): Promise<void> => {
    if (isAnswering) return;
    isAnswering = true;
    while (!socket.destroyed && received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const length = received.readUInt16BE(0);
      const message = received.subarray(2, 2 + length);
      received = received.subarray(2 + length);
      await answerTcp(socket, message, answerer);
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

async function answerTcp(socket: Socket, message: Buffer, answerer: Answerer): Promise<void> {
  const incoming = readMessage(message);
  if (incoming.is === "noise") return void socket.destroy();
  const reply =
    incoming.is === "refused"
      ? incoming.reply
      : await replyOverTcp(incoming.query, socket.remoteAddress ?? "", answerer);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(reply.length);
  // Who asks and does not read is answered no further: his answers would fill the memory.
  if (!socket.destroyed && !socket.write(Buffer.concat([length, reply]))) await drained(socket);
}

/** Resolves when what was written has been taken, or nobody is there any more to take it. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      socket.off("drain", end).off("close", end);
      resolve();
    };
    socket.on("drain", end).on("close", end);
  });
}

async function replyOverTcp(query: Query, asker: string, answerer: Answerer): Promise<Buffer> {
  const reply: Reply = await answerer.reply(query.question, asker);
  return writeReply(query, reply, TCP_MAX_BYTES);
}
