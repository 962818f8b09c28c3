import { createServer, type Server, type Socket, connect as tcpConnect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { LogsRequest, StreamsDefinition } from "../../proto/gen/tallship/v1/streams.js";
import { chunk, streams, untilAborted } from "../../test/conformance/transport-fixture.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { testAuthority, testCredentials } from "../../test/kit/test-authority.js";
import { waitFor } from "../../test/kit/wait.js";
import { limit } from "../limits.js";
import { silentLog } from "../log.js";
import { systemClock } from "../system-clock.js";
import { mutableCredentials } from "./credentials.js";
import { grpcDialer } from "./grpc-dialer.js";
import { startGrpcServer } from "./grpc-server.js";
import type { Channel } from "./service.js";

const authority = testAuthority();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server of streams that send one piece and stay open; returns its port. */
async function serve(): Promise<number> {
  const logs = async function* (_request: unknown, { signal }: { signal: AbortSignal }) {
    yield chunk("x");
    yield* untilAborted(signal);
  };
  const server = await startGrpcServer({
    ...{ bindings: [streams({ logs })], host: "127.0.0.1", port: 0, clock: systemClock, log: silentLog },
    credentials: mutableCredentials(testCredentials(authority, "cp-1", "control-plane")),
    clientCertificates: "required",
  });
  closing.push(() => server.close(0));
  return server.port;
}

/** In front of a server, a host whose kernel takes connections while its process is frozen: nothing on them is answered before it thaws. */
async function frozenHost(serverPort: number) {
  const held: Socket[] = [];
  const led: Socket[] = [];
  let isFrozen = true;
  let count = 0;
  const lead = (socket: Socket): void => {
    const onward = tcpConnect(serverPort, "127.0.0.1");
    for (const each of [socket, onward]) each.on("error", () => undefined);
    led.push(socket, onward);
    socket.pipe(onward).pipe(socket);
  };
  const server: Server = createServer({ pauseOnConnect: true }, (socket) => {
    // What it has sent says that it knows itself connected.
    socket.once("readable", () => {
      count += 1;
    });
    closing.push(() => socket.destroy());
    if (isFrozen) held.push(socket);
    else lead(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    connections: () => count,
    thaw: () => {
      isFrozen = false;
      held.forEach(lead);
    },
    /** It dies with its connections, and is there again frozen. */
    freeze: () => {
      isFrozen = true;
      for (const socket of led) socket.destroy();
    },
  };
}

const firstPiece = (channel: Channel): Promise<unknown> =>
  channel.client(StreamsDefinition).logs(LogsRequest.fromPartial({}))[Symbol.asyncIterator]().next();

test("calls that wait for a connection that does not come about end together, and begin anew on one", async () => {
  const host = await frozenHost(await serve());
  const clock = new ManualClock(systemClock.nowMs());
  const credentials = mutableCredentials(testCredentials(authority, "ann", "admin"));
  const channel = grpcDialer({ credentials, serverRole: "control-plane", clock }).dial(`127.0.0.1:${host.port}`);
  closing.push(() => channel.close());
  const unreached = {
    code: "unavailable",
    message: `127.0.0.1:${host.port} cannot be reached: no connection within ${limit("dialMs")} ms`,
  };
  const first = expect(firstPiece(channel)).rejects.toMatchObject(unreached);
  await waitFor("the host to be dialled", () => host.connections() === 1);
  await clock.advance(limit("dialMs") - 1_000);
  const second = expect(firstPiece(channel)).rejects.toMatchObject(unreached);
  await clock.advance(1_000);
  await Promise.all([first, second]);
  host.thaw();
  for (const piece of await Promise.all([firstPiece(channel), firstPiece(channel)]))
    expect(piece).toMatchObject({ done: false });
  expect(host.connections()).toBe(2);
});

test("a peer that takes connections and gets through with none is given longer from the third on, until one comes about", async () => {
  const host = await frozenHost(await serve());
  const clock = new ManualClock(systemClock.nowMs());
  const credentials = mutableCredentials(testCredentials(authority, "ann", "admin"));
  const channel = grpcDialer({ credentials, serverRole: "control-plane", clock }).dial(`127.0.0.1:${host.port}`);
  closing.push(() => channel.close());
  const dialMs = limit("dialMs");
  for (const [at, waitMs] of [dialMs, dialMs, 2 * dialMs].entries()) {
    let isOver = false;
    const piece = firstPiece(channel).finally(() => {
      isOver = true;
    });
    const ending = expect(piece).rejects.toMatchObject({ message: expect.stringContaining(`within ${waitMs} ms`) });
    await waitFor("the host to be dialled", () => host.connections() === at + 1);
    await clock.advance(waitMs - 1);
    expect(isOver).toBe(false);
    await clock.advance(1);
    await ending;
  }
  host.thaw();
  expect(await firstPiece(channel)).toMatchObject({ done: false });
});

test("a call that is over at once ends a peer's longer time as well: when it freezes again, the next one is given up as soon as ever", async () => {
  const host = await frozenHost(await serve());
  const clock = new ManualClock(systemClock.nowMs());
  const credentials = mutableCredentials(testCredentials(authority, "ann", "admin"));
  const channel = grpcDialer({ credentials, serverRole: "control-plane", clock }).dial(`127.0.0.1:${host.port}`);
  closing.push(() => channel.close());
  const refused = async (waitMs: number): Promise<void> => {
    const before = host.connections();
    const ending = expect(firstPiece(channel)).rejects.toMatchObject({
      message: expect.stringContaining(`within ${waitMs} ms`),
    });
    await waitFor("the host to be dialled", () => host.connections() > before);
    await clock.advance(waitMs);
    await ending;
  };
  for (const waitMs of [1, 1, 2].map((times) => times * limit("dialMs"))) await refused(waitMs);
  host.thaw();
  const logs = (): AsyncIterable<unknown> => channel.client(StreamsDefinition).logs(LogsRequest.fromPartial({}));
  for await (const _ of logs()) break;
  // This one finds the connection up; its end says that the connection is gone.
  const lasting = logs()[Symbol.asyncIterator]();
  await lasting.next();
  host.freeze();
  await expect(lasting.next()).rejects.toMatchObject({ code: "unavailable" });
  await refused(limit("dialMs"));
});
