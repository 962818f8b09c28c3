import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { request as requestTls } from "node:https";
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server as NetServer,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueKeyPair } from "../../lib/pki/issue.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { freePort } from "../../test/kit/etcd.js";
import { ingressOf, type TestIngress } from "../../test/kit/ingress-world.js";
import { testAuthority } from "../../test/kit/test-authority.js";
import { waitFor } from "../../test/kit/wait.js";
import type { EndpointAddress } from "../proxy/endpoint-choice.js";
import { haproxy } from "./haproxy.js";
import type { IngressProxy } from "./ingress-proxy.js";
import { type ProxySite, type ProxyText, proxyText } from "./proxy-text.js";
import { routingOf } from "./routing.js";

// The real HAProxy on loopback, before servers of this process.

const root = mkdtempSync(join(tmpdir(), "tallship-ingress-"));
const servers: { close(): unknown }[] = [];
const authority = testAuthority();
let site: ProxySite;
let proxy: IngressProxy;
let one: EndpointAddress;
let two: EndpointAddress;

beforeAll(async () => {
  const [httpPort = 0, httpsPort = 0] = [await freePort(), await freePort()];
  site = { dir: join(root, "run"), addresses: ["127.0.0.1", "::1"], httpPort, httpsPort, maxConnections: 200 };
  proxy = newProxy();
  [one, two] = [await echo("one"), await echo("two")];
});
afterAll(async () => {
  await proxy.stop();
  await waitFor("the proxies to end", () => processes().length === 0);
  for (const server of servers) server.close();
  rmSync(root, { recursive: true, force: true });
});

const newProxy = (): IngressProxy => haproxy({ site, accessLog: join(root, "access.log"), clock: systemClock });

function processes(): readonly string[] {
  try {
    return execFileSync("pgrep", ["-f", `haproxy -f ${site.dir}/`], { encoding: "utf8" })
      .trim()
      .split("\n");
  } catch {
    return [];
  }
}

async function listen(server: NetServer, ip = "127.0.0.1"): Promise<EndpointAddress> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, ip, resolve));
  return { ip, port: (server.address() as AddressInfo).port };
}

/** Answers with its name, the path, and what the proxy said of the client. */
function echo(name: string, ip?: string): Promise<EndpointAddress> {
  const server = createServer((asked, answer) => {
    const { "x-forwarded-for": from, "x-forwarded-proto": proto } = asked.headers;
    answer.end(`${name} ${asked.url} ${from} ${proto}`);
  });
  return listen(server, ip);
}

function text(
  tests: readonly TestIngress[],
  places: Readonly<Record<string, readonly EndpointAddress[]>>,
  pems: Readonly<Record<string, string>> = {},
): ProxyText {
  const routing = routingOf(tests.map(ingressOf));
  const slots = new Map(
    routing.backends.map(({ id, service }) => {
      const held = places[service.split("/")[1] ?? ""] ?? [];
      return [id, Array.from({ length: 4 }, (_, at) => held[at])] as const;
    }),
  );
  return proxyText({ routing, certificates: new Map(Object.entries(pems)), slots }, site);
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly location: string;
}

function read(answer: IncomingMessage, resolve: (answer: Answer) => void): void {
  let body = "";
  answer.on("data", (piece) => {
    body += piece;
  });
  answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body, location: answer.headers.location ?? "" }));
}

/** Asks under a host's name, at one of the proxy's addresses. */
function askAt(address: string, host: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: address, port: site.httpPort, headers: { host }, agent: false };
    request(options, (answer) => read(answer, resolve))
      .once("error", reject)
      .end();
  });
}

function ask(host: string, path = "/", method = "GET", body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === "" ? { host } : { host, "content-length": body.length };
    const options = { host: "127.0.0.1", port: site.httpPort, path, method, headers, agent: false };
    request(options, (answer) => read(answer, resolve))
      .once("error", reject)
      .end(body);
  });
}

function askTls(host: string, path = "/"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port: site.httpsPort,
      path,
      servername: host,
      headers: { host },
      ca: authority.certificatePem,
      agent: false,
    };
    requestTls(options, (answer) => read(answer, resolve))
      .once("error", reject)
      .end();
  });
}

const shop: TestIngress = {
  rules: {
    "shop.example": { "/": "one:80", "/api": "two:80", "=/api/exact": "one:80" },
    "*.wild.example": { "/": "two:80" },
  },
};

test("requests go by host, exact path and the longest prefix of whole path elements; the client's address goes along", async () => {
  await proxy.start(text([shop], { one: [one], two: [two] }));
  const asked = [
    ["shop.example", "/"],
    ["SHOP.example:80", "/apiary"],
    ["shop.example", "/api"],
    ["shop.example", "/api/x?q=1"],
    ["shop.example", "/api/exact"],
    ["a.wild.example", "/"],
  ] as const;
  const answers = await Promise.all(asked.map(([host, path]) => ask(host, path)));
  const traffic = await proxy.traffic();
  expect(traffic.find(({ backend }) => backend === "shop_two_80")?.answers).toMatchObject({ "2xx": 3, "5xx": 0 });
  expect(answers.map(({ body }) => body)).toEqual([
    "one / 127.0.0.1 http",
    "one /apiary 127.0.0.1 http",
    "two /api 127.0.0.1 http",
    "two /api/x?q=1 127.0.0.1 http",
    "one /api/exact 127.0.0.1 http",
    "two / 127.0.0.1 http",
  ]);
  for (const host of ["wild.example", "a.b.wild.example", "else.example"]) expect((await ask(host)).status).toBe(404);
});

test("a rewrite takes the groups of its expression", async () => {
  const annotations = { "nginx.ingress.kubernetes.io/rewrite-target": "/$2" };
  await proxy.start(text([{ annotations, rules: { h: { "~/api(/|$)(.*)": "one:80" } } }], { one: [one] }));
  expect((await ask("h", "/api/users/7?x=y")).body).toBe("one /users/7?x=y 127.0.0.1 http");
  expect((await ask("h", "/API")).body).toBe("one / 127.0.0.1 http");
  expect((await ask("h", "/apiary")).status).toBe(404);
});

test("a host with a certificate is served by TLS to those who name it, and plain requests are sent there", async () => {
  const terms = {
    subject: { name: "shop.example", organization: "" },
    addresses: ["shop.example"],
    usages: ["server"],
    nowMs: systemClock.nowMs(),
    lifeMs: 3_600_000,
  } as const;
  const pair = issueKeyPair(authority, terms, systemRng);
  const tls = { cert: ["shop.example"] };
  await proxy.start(
    text([{ ...shop, tls }], { one: [one], two: [two] }, { "shop/cert": `${pair.certificatePem}${pair.keyPem}` }),
  );
  expect((await askTls("shop.example", "/x")).body).toBe("one /x 127.0.0.1 https");
  await expect(askTls("else.example")).rejects.toThrow();
  expect(await ask("shop.example", "/x?y")).toMatchObject({ status: 308, location: "https://shop.example/x?y" });
  expect((await ask("a.wild.example")).status).toBe(200);
  // A certificate for all names beside one, and a rule for one of them; and the other way round.
  const mixed = { "a.wild.example": { "/": "one:80" }, "*.one.example": { "/": "one:80" } };
  const wild = { rules: mixed, tls: { cert: ["*.wild.example", "b.one.example"] } };
  await proxy.start(text([wild], { one: [one] }, { "shop/cert": `${pair.certificatePem}${pair.keyPem}` }));
  const hosts = ["a.wild.example", "b.one.example", "c.one.example"];
  expect(await Promise.all(hosts.map(async (host) => (await ask(host)).status))).toEqual([308, 308, 200]);
});

test("changed endpoints are told to the process that runs, and a request whose endpoint died goes to another", async () => {
  await proxy.start(text([shop], { one: [one], two: [two] }));
  const [pid] = processes();
  await proxy.setServers([
    { backend: "shop_one_80", at: 1, address: two },
    { backend: "shop_one_80", at: 0, address: undefined },
  ]);
  expect((await ask("shop.example")).body).toBe("two / 127.0.0.1 http");
  await proxy.setServers([{ backend: "shop_one_80", at: 1, address: undefined }]);
  expect((await ask("shop.example")).status).toBe(503);
  const dead = { ip: "127.0.0.1", port: await freePort() };
  await proxy.setServers([
    { backend: "shop_one_80", at: 0, address: dead },
    { backend: "shop_one_80", at: 2, address: one },
  ]);
  for (let count = 0; count < 8; count += 1) expect((await ask("shop.example")).body).toBe("one / 127.0.0.1 http");
  expect(processes()).toContain(pid);
});

test("clients of both families are seen under their own addresses, and pods of both are reached from both", async () => {
  const six = await echo("six", "::1");
  await proxy.start(text([shop], { one: [one], two: [six] }));
  const asked = [
    ["127.0.0.1", "a.wild.example", "six / 127.0.0.1 http"],
    ["::1", "a.wild.example", "six / ::1 http"],
    ["::1", "shop.example", "one / ::1 http"],
  ] as const;
  for (const [address, host, want] of asked) expect((await askAt(address, host)).body).toBe(want);
  await proxy.setServers([
    { backend: "shop_one_80", at: 1, address: six },
    { backend: "shop_one_80", at: 0, address: undefined },
  ]);
  expect((await askAt("127.0.0.1", "shop.example")).body).toBe("six / 127.0.0.1 http");
});

test("a new text takes over while requests come, and none fails", async () => {
  let isOver = false;
  const failures: string[] = [];
  let answered = 0;
  const load = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const { status, body } = await ask("shop.example", "/x").catch((error: Error) => ({
          status: 0,
          body: error.message,
        }));
        if (status === 200) answered += 1;
        else failures.push(`${status} ${body}`);
      }
    }),
  );
  for (let round = 0; round < 5; round += 1) {
    const more = { name: `more-${round}`, rules: { [`h${round}.example`]: { "/": "two:80" } } };
    await proxy.start(text([shop, more], { one: [one], two: [two] }));
  }
  isOver = true;
  await load;
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(20);
});

test("who comes anew finds the process that runs; a text or port that is refused leaves it, and says why", async () => {
  const fine = text([shop], { one: [one], two: [two] });
  await proxy.start(fine);
  proxy = newProxy();
  expect(await proxy.running()).toBe(fine.digest);
  await expect(proxy.start({ ...fine, digest: "bad", config: `${fine.config}\nnonsense\n` })).rejects.toThrow(
    /nonsense/,
  );
  const blocked = createTcpServer();
  const taken = await listen(blocked);
  const config = fine.config.replace(`bind 127.0.0.1:${site.httpPort}`, `bind 127.0.0.1:${taken.port}`);
  await expect(proxy.start({ ...fine, digest: "taken", config })).rejects.toThrow(/Address already in use/);
  expect(await proxy.running()).toBe(fine.digest);
  expect((await ask("shop.example")).status).toBe(200);
  expect(readFileSync(join(root, "access.log"), "utf8")).toContain('"shop.example"');
});

test("clients that send a byte now and then hold nobody up, and are ended", async () => {
  await proxy.start(text([shop], { one: [one], two: [two] }));
  let open = 0;
  const sockets = Array.from({ length: 120 }, () => {
    const socket = connectTcp(site.httpPort, "127.0.0.1");
    socket.on("connect", () => {
      open += 1;
    });
    socket.on("close", () => {
      open -= 1;
    });
    socket.on("error", () => undefined);
    socket.resume();
    socket.write("GET / HTTP/1.1\r\nHost: shop.example\r\n");
    return socket;
  });
  await waitFor("all of them to be connected", () => open === sockets.length);
  const drip = (): void => {
    for (const socket of sockets) if (socket.writable) socket.write("X");
  };
  for (let round = 0; round < 20; round += 1) {
    drip();
    expect((await ask("shop.example")).status).toBe(200);
  }
  const areEnded = (): boolean => {
    drip();
    return open === 0;
  };
  await waitFor("them to be ended", areEnded, { deadlineMs: 20_000, everyMs: 200 });
}, 40_000);

test("gRPC reaches a backend that speaks HTTP/2 alone", async () => {
  const server = createHttp2Server();
  server.on("stream", (stream) => stream.end("h2"));
  const place = await listen(server);
  const annotations = { "nginx.ingress.kubernetes.io/backend-protocol": "GRPC" };
  const ingress = { annotations, rules: { "": { "/": "grpc:80" } } };
  await proxy.start(text([ingress], { grpc: [place] }));
  const session = connectHttp2(`http://127.0.0.1:${site.httpPort}`);
  const stream = session.request({ ":path": "/svc/Method", ":method": "POST", "content-type": "application/grpc" });
  let body = "";
  for await (const piece of stream) body += piece;
  session.close();
  expect(body).toBe("h2");
});

test("a request that may be repeated is tried on another pod when one ends without an answer; one that may not is not", async () => {
  let taken = 0;
  const silent = await listen(
    createTcpServer((socket) => {
      socket.once("data", () => {
        taken += 1;
        socket.destroy();
      });
      socket.on("error", () => undefined);
    }),
  );
  await proxy.start(text([shop], { one: [silent, one], two: [two] }));
  for (let count = 0; count < 8; count += 1) expect((await ask("shop.example")).status).toBe(200);
  expect(taken).toBeGreaterThan(0);
  taken = 0;
  const statuses: number[] = [];
  for (let count = 0; count < 8; count += 1) statuses.push((await ask("shop.example", "/", "POST", "an order")).status);
  expect(new Set(statuses)).toEqual(new Set([200, 502]));
  expect(statuses.filter((status) => status === 502)).toHaveLength(taken);
});

test("a body that is longer than its ingress takes is refused before a pod sees it", async () => {
  const annotations = { "nginx.ingress.kubernetes.io/proxy-body-size": "1k" };
  await proxy.start(text([{ ...shop, annotations }], { one: [one], two: [two] }));
  expect((await ask("shop.example", "/", "POST", "x".repeat(1_024))).status).toBe(200);
  expect((await ask("shop.example", "/", "POST", "x".repeat(1_025))).status).toBe(413);
});

test("a WebSocket carries what both sides say, beyond the time that an answer may take", async () => {
  const server = createServer();
  // Key and answer are the example of RFC 6455, section 1.3.
  const head = (first: string, last: string): string =>
    `${first}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${last}\r\n\r\n`;
  server.on("upgrade", (_, socket) => {
    socket.write(head("HTTP/1.1 101 Switching Protocols", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    socket.on("data", (bytes: Buffer) => socket.write(`heard ${bytes}`));
    socket.on("end", () => socket.end());
    socket.on("error", () => undefined);
  });
  const place = await listen(server);
  const annotations = { "nginx.ingress.kubernetes.io/proxy-read-timeout": "1" };
  await proxy.start(text([{ annotations, rules: { "": { "/": "chat:80" } } }], { chat: [place] }));
  const socket = connectTcp(site.httpPort, "127.0.0.1");
  let said = "";
  socket.on("data", (bytes) => {
    said += bytes;
  });
  const asked = "Host: chat.example\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  socket.write(head("GET /room HTTP/1.1", asked));
  await waitFor("the protocol to change", () => said.includes("101 Switching Protocols"));
  const openedAtMs = performance.now();
  await waitFor("an answer's time to be over", () => performance.now() - openedAtMs > 1_500);
  socket.write("hello");
  await waitFor("an answer", () => said.endsWith("heard hello"));
  socket.destroy();
});
