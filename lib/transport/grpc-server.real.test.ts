import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ClusterDefinition, InfoRequest, InfoResponse } from "../../proto/gen/tallship/v1/api.js";
import { LogsRequest, StreamsDefinition } from "../../proto/gen/tallship/v1/streams.js";
import { chunk, cluster, streams, untilAborted } from "../../test/conformance/transport-fixture.js";
import { type BundledProgram, bundleProgram } from "../../test/kit/bundle.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { testAuthority, testCredentials } from "../../test/kit/test-authority.js";
import { waitFor } from "../../test/kit/wait.js";
import type { Clock } from "../clock.js";
import { limit } from "../limits.js";
import { silentLog } from "../log.js";
import { systemClock } from "../system-clock.js";
import { mutableCredentials } from "./credentials.js";
import { grpcDialer } from "./grpc-dialer.js";
import { startGrpcServer } from "./grpc-server.js";
import type { Binding, TransportServer } from "./service.js";

// A server ends on time whatever its clients are at: they are processes of their own here, that can be killed and frozen.

const GRACE_MS = 100;
/** What a busy machine may add to the grace. A server that waits for its clients waits for ever. */
const SLACK_MS = 15_000;

/** Makes the call that it is told to, shows a byte once that runs, and reads no further. */
const CLIENT = `
  import { readFileSync } from "node:fs";
  import { systemClock } from "./lib/system-clock.js";
  import { mutableCredentials } from "./lib/transport/credentials.js";
  import { grpcDialer } from "./lib/transport/grpc-dialer.js";
  import { ClusterDefinition, InfoRequest } from "./proto/gen/tallship/v1/api.js";
  import { LogsRequest, StreamsDefinition } from "./proto/gen/tallship/v1/streams.js";
  const { address, credentials, call } = JSON.parse(readFileSync(0, "utf8"));
  const dialer = grpcDialer({ credentials: mutableCredentials(credentials), serverRole: "control-plane", clock: systemClock });
  const channel = dialer.dial(address);
  if (call === "info") await channel.client(ClusterDefinition).info(InfoRequest.fromPartial({}));
  for await (const _ of channel.client(StreamsDefinition).logs(LogsRequest.fromPartial({}))) {
    process.stdout.write(".");
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  }
`;

const authority = testAuthority();
const clients: ChildProcess[] = [];
let program: BundledProgram;
beforeAll(async () => {
  program = await bundleProgram(CLIENT);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.kill("SIGKILL");
});
afterAll(() => rmSync(program.folder, { recursive: true, force: true }));

async function serve(bindings: readonly Binding[], clock: Clock = systemClock): Promise<TransportServer> {
  return startGrpcServer({
    bindings,
    host: "127.0.0.1",
    port: 0,
    credentials: mutableCredentials(testCredentials(authority, "cp-1", "control-plane")),
    clientCertificates: "required",
    clock,
    log: silentLog,
  });
}

/** A process that makes the call; `hasAnswer` is true from its first message on. */
function startClient(
  server: TransportServer,
  call: "info" | "logs",
): { child: ChildProcess; hasAnswer: () => boolean } {
  const child = spawn(process.execPath, [program.path], { stdio: ["pipe", "pipe", "ignore"] });
  clients.push(child);
  let hasAnswer = false;
  child.stdout.once("data", () => {
    hasAnswer = true;
  });
  const credentials = testCredentials(authority, "ann", "admin");
  child.stdin.end(JSON.stringify({ address: `127.0.0.1:${server.port}`, credentials, call }));
  return { child, hasAnswer: () => hasAnswer };
}

function killed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

/** Closes; fails when that takes more than the grace and what a busy machine adds. */
async function expectClosed(server: TransportServer, graceMs: number): Promise<void> {
  let isClosed = false;
  const closing = server.close(graceMs).then(() => {
    isClosed = true;
  });
  await waitFor("the server to close", () => isClosed, { deadlineMs: graceMs + SLACK_MS });
  await closing;
}

/** More than a connection holds, again and again. */
async function* flood(): AsyncGenerator<ReturnType<typeof chunk>> {
  for (;;) yield chunk("x".repeat(65_536));
}

/** One piece, then silence. */
async function* trickle(signal: AbortSignal): AsyncGenerator<ReturnType<typeof chunk>> {
  yield chunk("x");
  yield* untilAborted(signal);
}

const logs = [
  { name: "sends more than is read", handler: flood },
  { name: "is silent", handler: (_request: unknown, { signal }: { signal: AbortSignal }) => trickle(signal) },
];

for (const { name, handler } of logs) {
  describe(`a server with a stream that ${name} closes within its grace`, () => {
    for (const graceMs of [0, GRACE_MS]) {
      test(`when its client was killed, ${graceMs} ms`, async () => {
        const server = await serve([streams({ logs: handler })]);
        const { child, hasAnswer } = startClient(server, "logs");
        await waitFor("the stream to run", hasAnswer);
        await killed(child);
        await expectClosed(server, graceMs);
      });

      test(`when its client is frozen, ${graceMs} ms`, async () => {
        const server = await serve([streams({ logs: handler })]);
        const { child, hasAnswer } = startClient(server, "logs");
        await waitFor("the stream to run", hasAnswer);
        child.kill("SIGSTOP");
        await expectClosed(server, graceMs);
      });
    }
  });
}

test("a call that never answers is cut when the grace is over, and its handler is told", async () => {
  let signal: AbortSignal | undefined;
  const never = cluster((_request, context) => {
    signal = context.signal;
    return new Promise<InfoResponse>(() => undefined);
  });
  const server = await serve([never]);
  startClient(server, "info");
  await waitFor("the call to run", () => signal !== undefined);
  await expectClosed(server, GRACE_MS);
  await waitFor("the handler to be told", () => signal?.aborted);
});

test("a connection whose peer is frozen amid a flood is cut, and the handler is told", async () => {
  const clock = new ManualClock();
  let signal: AbortSignal | undefined;
  const server = await serve(
    [
      streams({
        logs: (_request, context) => {
          signal = context.signal;
          return flood();
        },
      }),
    ],
    clock,
  );
  const { child, hasAnswer } = startClient(server, "logs");
  await waitFor("the stream to run", hasAnswer);
  child.kill("SIGSTOP");
  await waitFor("the look to find it silent", async () => {
    await clock.advance(limit("silentPeerMs"));
    return signal?.aborted === true;
  });
  await expectClosed(server, 0);
});

test("a connection whose peer speaks between two looks stays", async () => {
  const clock = new ManualClock();
  let signal: AbortSignal | undefined;
  const quiet = streams({
    logs: (_request, context) => {
      signal = context.signal;
      return trickle(context.signal);
    },
  });
  const server = await serve([quiet, cluster(async () => InfoResponse.fromPartial({}))], clock);
  const credentials = mutableCredentials(testCredentials(authority, "ann", "admin"));
  const channel = grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock }).dial(
    `127.0.0.1:${server.port}`,
  );
  const pieces = channel.client(StreamsDefinition).logs(LogsRequest.fromPartial({}))[Symbol.asyncIterator]();
  await pieces.next();
  for (let round = 0; round < 4; round += 1) {
    await channel.client(ClusterDefinition).info(InfoRequest.fromPartial({}));
    await clock.advance(limit("silentPeerMs"));
  }
  expect(signal?.aborted).toBe(false);
  channel.close();
  await expectClosed(server, 0);
});
