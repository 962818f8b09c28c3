import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../../lib/system-clock.js";
import { registryConformance } from "../../../test/conformance/registry.js";
import { digestOf } from "../../../test/kit/built-image.js";
import { startDockerRegistry } from "../../../test/kit/docker-registry.js";
import { ManualClock } from "../../../test/kit/manual-clock.js";
import { pushImage } from "../../../test/kit/registry-push.js";
import { waitFor } from "../../../test/kit/wait.js";
import { HttpRegistry } from "./http-registry.js";
import type { RegistryRequest } from "./registry.js";

registryConformance("over HTTP, Debian's docker-registry", async () => {
  const open = await startDockerRegistry();
  // bcrypt of "secret".
  const locked = await startDockerRegistry({
    htpasswd: "ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n",
  });
  const registry = new HttpRegistry(systemClock);
  const authorization = `Basic ${Buffer.from("ann:secret").toString("base64")}`;
  return {
    registry,
    origin: open.origin,
    lockedOrigin: locked.origin,
    push: async (origin, repository, tag, image) => {
      await pushImage(image, { origin, repository, tag, ...(origin === locked.origin ? { authorization } : {}) });
    },
    stop: () => open.stop(),
    close: async () => {
      registry.close();
      await Promise.all([open.remove(), locked.remove()]);
    },
  };
});

interface Heard {
  readonly url: string;
  readonly authorization: string | undefined;
}

interface Peer {
  readonly origin: string;
  readonly heard: Heard[];
}

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

/** A server that answers as the test says, and remembers what it heard. */
async function peer(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Peer> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    heard.push({ url: request.url ?? "", authorization: request.headers.authorization });
    answer(request, response);
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { origin: `http://127.0.0.1:${address.port}`, heard };
}

function requestOf(origin: string, rest: Partial<RegistryRequest> = {}): RegistryRequest {
  const endpoint = { origin, repositoryPrefix: "", caPath: undefined, isUnverified: false };
  const credentials = { username: "ann", password: "secret" };
  return { endpoint, repository: "a/b", credentials, signal: new AbortController().signal, ...rest };
}

const BASIC = `Basic ${Buffer.from("ann:secret").toString("base64")}`;
const DIGEST = digestOf(Buffer.from("hello"));

test("credentials follow a redirect to the same host and never one to another", async () => {
  const storage = await peer((_, response) => response.end("hello"));
  const registry = await peer((request, response) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
    } else if (request.url?.startsWith("/v2/") === true) {
      response.writeHead(307, { location: "/elsewhere" }).end();
    } else {
      response.writeHead(302, { location: `${storage.origin}/signed?x=1` }).end();
    }
  });
  const client = new HttpRegistry(systemClock);
  const reply = await client.blob(requestOf(registry.origin), DIGEST, { start: 0 });
  const pieces: Uint8Array[] = [];
  for await (const piece of reply.content) pieces.push(piece);
  expect(Buffer.concat(pieces).toString()).toBe("hello");
  expect(registry.heard.map(({ authorization }) => authorization)).toEqual([undefined, BASIC, BASIC]);
  expect(storage.heard).toEqual([{ url: "/signed?x=1", authorization: undefined }]);
  client.close();
});

test("a 401 of the place redirected to is not answered with credentials", async () => {
  const storage = await peer((_, response) => response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end());
  const registry = await peer((_, response) => response.writeHead(307, { location: `${storage.origin}/x` }).end());
  const client = new HttpRegistry(systemClock);
  await expect(client.blob(requestOf(registry.origin), DIGEST, { start: 0 })).rejects.toMatchObject({
    code: "image_unauthorized",
  });
  expect(storage.heard.map(({ authorization }) => authorization)).toEqual([undefined]);
  client.close();
});

test("redirects that go round end", async () => {
  const registry = await peer((request, response) => response.writeHead(302, { location: request.url }).end());
  const client = new HttpRegistry(systemClock);
  await expect(client.manifest(requestOf(registry.origin), "v1")).rejects.toThrow("redirected more than 5 times");
  client.close();
});

test("a token is asked for with the repository's scope, and kept until shortly before it ends", async () => {
  let tokenCount = 0;
  const tokens = await peer((_, response) => {
    tokenCount += 1;
    response.end(JSON.stringify({ token: `t${tokenCount}`, expires_in: 100 }));
  });
  const registry = await peer((request, response) => {
    if (request.headers.authorization === `Bearer t${tokenCount}`) {
      response.writeHead(200, { "content-type": "application/vnd.oci.image.manifest.v1+json" }).end("{}");
      return;
    }
    const challenge = `Bearer realm="${tokens.origin}/token",service="reg",scope="repository:a/b:pull,push"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
  });
  const clock = new ManualClock();
  const client = new HttpRegistry(clock);
  await client.manifest(requestOf(registry.origin), "v1");
  await clock.advance(85_000);
  await client.manifest(requestOf(registry.origin), "v1");
  expect(tokens.heard).toEqual([{ url: "/token?service=reg&scope=repository%3Aa%2Fb%3Apull", authorization: BASIC }]);
  await clock.advance(10_000);
  await client.manifest(requestOf(registry.origin), "v1");
  expect(tokenCount).toBe(2);
  expect(registry.heard.map(({ authorization }) => authorization)).toEqual([
    ...[undefined, "Bearer t1", "Bearer t1", undefined, "Bearer t2"],
  ]);
  client.close();
});

test("a token server that says no means image_unauthorized", async () => {
  const tokens = await peer((_, response) => response.writeHead(401).end());
  const registry = await peer((_, response) =>
    response.writeHead(401, { "www-authenticate": `Bearer realm="${tokens.origin}"` }).end(),
  );
  const client = new HttpRegistry(systemClock);
  await expect(client.manifest(requestOf(registry.origin), "v1")).rejects.toThrow("refuses the credentials");
  await expect(client.manifest(requestOf(registry.origin, { credentials: undefined }), "v1")).rejects.toThrow(
    "none are given",
  );
  client.close();
});

test("a registry that ignores ranges is told from one that obeys them", async () => {
  const registry = await peer((_, response) => response.end("hello"));
  const client = new HttpRegistry(systemClock);
  expect((await client.blob(requestOf(registry.origin), DIGEST, { start: 3 })).offsetBytes).toBe(0);
  client.close();
});

test("a range other than asked for is refused", async () => {
  const registry = await peer((_, response) => response.writeHead(206, { "content-range": "bytes 2-4/5" }).end("llo"));
  const client = new HttpRegistry(systemClock);
  await expect(client.blob(requestOf(registry.origin), DIGEST, { start: 3 })).rejects.toThrow(
    "asked from byte 3, got 2",
  );
  client.close();
});

test("a manifest without end is refused, not held", async () => {
  const registry = await peer((_, response) => {
    const more = (): void => {
      if (!response.destroyed) response.write(Buffer.alloc(65_536, 0x20), more);
    };
    more();
  });
  const client = new HttpRegistry(systemClock);
  await expect(client.manifest(requestOf(registry.origin), "v1")).rejects.toMatchObject({ code: "image_refused" });
  client.close();
});

test("an answer that never begins, and one that stops, are given up", async () => {
  const registry = await peer((request, response) => {
    if (request.url?.includes("blobs") === true) response.writeHead(200).write("hel");
  });
  const clock = new ManualClock();
  const client = new HttpRegistry(clock);
  const silent = expect(client.manifest(requestOf(registry.origin), "v1")).rejects.toThrow("no answer within 10000 ms");
  await waitFor("the request", () => registry.heard.length === 1);
  await clock.advance(10_000);
  await silent;
  const { content } = await client.blob(requestOf(registry.origin), DIGEST, { start: 0 });
  const pieces = content[Symbol.asyncIterator]();
  expect(Buffer.from((await pieces.next()).value).toString()).toBe("hel");
  const stalled = expect(pieces.next()).rejects.toMatchObject({
    code: "image_pull_failed",
    message: /no bytes for 30000 ms/,
  });
  await clock.advance(30_000);
  await stalled;
  client.close();
});

test("errors name the address without what a signature would stand in", async () => {
  const storage = await peer((_, response) => response.writeHead(500).end());
  const registry = await peer((_, response) =>
    response.writeHead(307, { location: `${storage.origin}/blob?sig=hush` }).end(),
  );
  const client = new HttpRegistry(systemClock);
  const failure: unknown = await client
    .blob(requestOf(registry.origin), DIGEST, { start: 0 })
    .catch((error: unknown) => error);
  expect(String(failure)).toContain(`GET ${storage.origin}/blob: status 500`);
  expect(String(failure)).not.toContain("hush");
  client.close();
});
