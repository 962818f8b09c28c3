import { request as httpsRequest } from "node:https";
import { createServer, type Server, type Socket, connect as tcpConnect } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { ClusterDefinition, InfoRequest, InfoResponse } from "../../proto/gen/tallship/v1/api.js";
import { cluster } from "../../test/conformance/transport-fixture.js";
import { testAuthority, testCredentials } from "../../test/kit/test-authority.js";
import { waitFor } from "../../test/kit/wait.js";
import type { Clock } from "../clock.js";
import { silentLog } from "../log.js";
import { issueKeyPair } from "../pki/issue.js";
import { systemClock } from "../system-clock.js";
import { systemRng } from "../system-rng.js";
import { type Credentials, mutableCredentials } from "./credentials.js";
import { grpcDialer } from "./grpc-dialer.js";
import { type GrpcServerOptions, startGrpcServer } from "./grpc-server.js";
import type { Role } from "./peer-identity.js";
import type { Channel, Identity, TransportServer } from "./service.js";

const authority = testAuthority();
const servers: TransportServer[] = [];
const channels: Channel[] = [];
afterEach(async () => {
  for (const channel of channels.splice(0)) channel.close();
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

const seen: Identity[] = [];
const info = cluster(async (_request, { identity }) => {
  seen.push(identity);
  return InfoResponse.fromPartial({ version: identity.name });
});

async function serve(options: Partial<GrpcServerOptions> = {}): Promise<number> {
  const server = await startGrpcServer({
    bindings: [info],
    host: "127.0.0.1",
    port: 0,
    credentials: mutableCredentials(testCredentials(authority, "cp-1", "control-plane")),
    clientCertificates: "required",
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  servers.push(server);
  return server.port;
}

function dial(port: number, credentials: Credentials, serverRole: Role = "control-plane"): Channel {
  const channel = grpcDialer({ credentials: mutableCredentials(credentials), serverRole, clock: systemClock }).dial(
    `127.0.0.1:${port}`,
  );
  channels.push(channel);
  return channel;
}

const ask = async (channel: Channel): Promise<string> =>
  (await channel.client(ClusterDefinition).info(InfoRequest.fromPartial({}))).version;

const node = testCredentials(authority, "node-a", "node");

describe("who is let in", () => {
  const stranger = testAuthority("stranger");
  const roleless = issueKeyPair(
    authority,
    {
      subject: { name: "node-a", organization: "somebody:else" },
      addresses: [],
      usages: ["client"],
      nowMs: Date.now(),
      lifeMs: 60_000,
    },
    systemRng,
  );

  // Each row is refused for one reason; the first is the control.
  test.each([
    { name: "a node's certificate", credentials: node, want: "node-a" },
    {
      name: "no certificate",
      credentials: { caPem: authority.certificatePem, pair: undefined },
      want: "unauthenticated",
    },
    {
      name: "another authority's certificate",
      credentials: { caPem: authority.certificatePem, pair: testCredentials(stranger, "node-a", "node").pair },
      want: "unauthenticated",
    },
    {
      name: "an expired certificate",
      credentials: testCredentials(authority, "node-a", "node", -1_000),
      want: "unauthenticated",
    },
    {
      name: "a certificate without a role",
      credentials: { caPem: authority.certificatePem, pair: roleless },
      want: "unauthenticated",
    },
  ])("$name → $want", async ({ credentials, want }) => {
    seen.length = 0;
    const answer = await ask(dial(await serve(), credentials)).catch((error: { code: string }) => error.code);
    expect(answer).toBe(want);
    expect(seen).toHaveLength(want === "unauthenticated" ? 0 : 1);
  });

  test("a server of another authority is not believed", async () => {
    const port = await serve({ credentials: mutableCredentials(testCredentials(stranger, "cp-1", "control-plane")) });
    await expect(ask(dial(port, node))).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("a node that poses as a control plane is not believed", async () => {
    const port = await serve({ credentials: mutableCredentials(node) });
    await expect(ask(dial(port, node))).rejects.toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("shows a certificate of node, want control-plane"),
    });
  });

  test("TLS 1.2 is refused, 1.3 is taken", async () => {
    const port = await serve();
    const options = {
      host: "127.0.0.1",
      port,
      ca: authority.certificatePem,
      cert: node.pair?.certificatePem,
      key: node.pair?.keyPem,
    };
    expect(await handshake({ ...options, maxVersion: "TLSv1.2" })).toMatch(/protocol version/i);
    expect(await handshake({ ...options })).toBe("TLSv1.3");
  });

  test("plain text is dropped", async () => {
    const port = await serve();
    const socket = tcpConnect(port, "127.0.0.1");
    socket.write("GET /metrics HTTP/1.1\r\n\r\n");
    await new Promise((resolve) =>
      socket
        .once("close", resolve)
        .resume()
        .on("error", () => undefined),
    );
  });
});

function handshake(options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ checkServerIdentity: () => undefined, ...options }, () => {
      resolve(socket.getProtocol() ?? "none");
      socket.destroy();
    });
    socket.on("error", (error) => resolve(error.message));
  });
}

describe("renewal", () => {
  test("a server shows its new certificate to new connections without a restart", async () => {
    const credentials = mutableCredentials(testCredentials(authority, "old", "control-plane"));
    const port = await serve({ credentials });
    const peerName = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const options = { host: "127.0.0.1", port, ca: authority.certificatePem, ...pairOf(node) };
        const socket = connect({ ...options, checkServerIdentity: () => undefined }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
        socket.on("error", reject);
      });
    expect(await peerName()).toBe("old");
    credentials.replace(testCredentials(authority, "new", "control-plane"));
    expect(await peerName()).toBe("new");
  });

  test("a channel calls as its new certificate says, and calls that run go on", async () => {
    let answer: (() => void) | undefined;
    const slow = cluster(async (_request, { identity }) => {
      if (identity.name === "old") await new Promise<void>((resolve) => (answer = resolve));
      return InfoResponse.fromPartial({ version: identity.name });
    });
    const port = await serve({ bindings: [slow] });
    const credentials = mutableCredentials(testCredentials(authority, "old", "node"));
    const channel = grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock }).dial(
      `127.0.0.1:${port}`,
    );
    channels.push(channel);
    const running = ask(channel);
    await waitFor("the first call to run", () => answer !== undefined);
    credentials.replace(testCredentials(authority, "new", "node"));
    expect(await ask(channel)).toBe("new");
    answer?.();
    expect(await running).toBe("old");
  });

  test("a connection is closed when its certificate expires", async () => {
    let aheadMs = 0;
    const timers: (() => void)[] = [];
    const clock: Clock = {
      ...systemClock,
      nowMs: () => Date.now() + aheadMs,
      after: (delayMs, call) => {
        timers.push(call);
        return systemClock.after(delayMs, call);
      },
    };
    const port = await serve({ clock });
    const socket = connect({
      host: "127.0.0.1",
      port,
      ca: authority.certificatePem,
      ...pairOf(node),
      ALPNProtocols: ["h2"],
      checkServerIdentity: () => undefined,
    });
    const closed = new Promise((resolve) =>
      socket
        .once("close", resolve)
        .on("error", () => undefined)
        .resume(),
    );
    await waitFor("the connection to be watched", () => timers.length >= 2);
    aheadMs = 3_600_001;
    timers.at(-1)?.();
    await closed;
  });
});

test("a peer that speaks HTTP/1.1 is answered on the same port, with its identity", async () => {
  const port = await serve({ onHttp: (_request, response, identity) => response.end(JSON.stringify(identity)) });
  const body = await new Promise<string>((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      ca: authority.certificatePem,
      ...pairOf(testCredentials(authority, "prometheus", "metrics")),
    };
    httpsRequest(options, (response) => {
      response.setEncoding("utf8").on("data", resolve);
    })
      .on("error", reject)
      .end();
  });
  expect(JSON.parse(body)).toEqual({ name: "prometheus", role: "metrics" });
  expect(await ask(dial(port, node))).toBe("node-a");
});

test("a server that restarts is reached again by the same channel", async () => {
  const port = await serve();
  const channel = dial(port, node);
  expect(await ask(channel)).toBe("node-a");
  await servers.pop()?.close(0);
  await expect(ask(channel)).rejects.toMatchObject({ code: "unavailable" });
  await serve({ port });
  await waitFor("the channel to be connected again", () => ask(channel).catch(() => undefined));
});

describe("a peer that takes connections and says nothing, as one that is frozen", () => {
  /** Delays are a tenth of what they are: nobody waits three seconds for a test. */
  const hasty: Clock = { ...systemClock, after: (delayMs, call) => systemClock.after(delayMs / 10, call) };

  test("is unavailable soon, and keeps nothing open once the channel is closed", async () => {
    const held: Socket[] = [];
    const frozen = createServer((socket) => held.push(socket.on("error", () => undefined).resume()));
    const port = await listenOn(frozen);
    const channel = grpcDialer({
      credentials: mutableCredentials(node),
      serverRole: "control-plane",
      clock: hasty,
    }).dial(`127.0.0.1:${port}`);
    await expect(ask(channel)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("no connection within"),
    });
    channel.close();
    await waitFor(
      "the connection to be dropped",
      () => held.length > 0 && held.every((socket) => socket.destroyed || socket.readableEnded),
    );
    frozen.close();
  });

  test("is reached by the next call once it is back, though the first attempt still hangs", async () => {
    const port = await serve();
    let connectionCount = 0;
    const thawing = createServer((socket) => {
      connectionCount += 1;
      socket.on("error", () => undefined);
      if (connectionCount > 1) socket.pipe(tcpConnect(port, "127.0.0.1").on("error", () => undefined)).pipe(socket);
    });
    const address = `127.0.0.1:${await listenOn(thawing)}`;
    const channel = grpcDialer({
      credentials: mutableCredentials(node),
      serverRole: "control-plane",
      clock: hasty,
    }).dial(address);
    channels.push(channel);
    await expect(ask(channel)).rejects.toMatchObject({ code: "unavailable" });
    expect(await ask(channel)).toBe("node-a");
    thawing.close();
  });
});

async function listenOn(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function pairOf({ pair }: Credentials): { cert: string | undefined; key: string | undefined } {
  return { cert: pair?.certificatePem, key: pair?.keyPem };
}
