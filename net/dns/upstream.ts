// Edge: asks other name servers over UDP and TCP.
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";

/** One try at one server: the bytes it answered. Throws unavailable. */
export type AskServer = (server: string, query: Buffer) => Promise<Buffer>;

/** Asks over UDP, and over TCP when the answer was cut. */
export function askOverNetwork(clock: Clock): AskServer {
  return async (server, query) => {
    const answer = await overUdp(clock, server, query);
    const isCut = (answer.readUInt16BE(2) & 0x0200) !== 0;
    return isCut ? overTcp(clock, server, query) : answer;
  };
}

function overUdp(clock: Clock, server: string, query: Buffer): Promise<Buffer> {
  const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
  return within(clock, server, (resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (answer) => {
      if (isAnswerTo(query, answer)) resolve(answer);
    });
    socket.connect(53, server, () => socket.send(query));
  }).finally(() => socket.close());
}

/** A response with the same id and the same question, byte by byte but for the case of letters: what an outsider guesses does not pass. */
export function isAnswerTo(query: Buffer, answer: Buffer): boolean {
  if (answer.length < query.length || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if (((answer[2] ?? 0) & 0x80) === 0 || answer.readUInt16BE(4) !== 1) return false;
  const asked = query.toString("latin1", 12).toLowerCase();
  return answer.toString("latin1", 12, query.length).toLowerCase() === asked;
}

function overTcp(clock: Clock, server: string, query: Buffer): Promise<Buffer> {
  const socket = connect({ host: server, port: 53 });
  return within(clock, server, (resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("data", (bytes) => {
      received = Buffer.concat([received, bytes]);
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0))
        resolve(received.subarray(2, 2 + received.readUInt16BE(0)));
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  }).finally(() => socket.destroy());
}

function within(
  clock: Clock,
  server: string,
  start: (resolve: (answer: Buffer) => void, reject: (error: Error) => void) => void,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new TallshipError("unavailable", `ask name server ${server}: ${why}`));
    const cancel = clock.after(limit("dnsUpstreamMs"), () => fail("no answer in time"));
    const settle =
      <T>(call: (value: T) => void) =>
      (value: T): void => {
        cancel();
        call(value);
      };
    start(
      settle(resolve),
      settle((error: Error) => fail(error.message)),
    );
  });
}
