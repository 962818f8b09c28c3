import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createPlainServer } from "node:http";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../lib/system-clock.js";
import { testAuthority, testCredentials } from "../../../test/kit/test-authority.js";
import { HttpRegistry } from "./http-registry.js";
import type { Endpoint } from "./registry.js";

const authority = testAuthority();
const { pair } = testCredentials(authority, "registry", "control-plane");
const server = createServer({ key: pair?.keyPem, cert: pair?.certificatePem }, (_, response) => response.end("{}"));
const registry = new HttpRegistry(systemClock);
let folder: string;
let origin: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tallship-tls-"));
  writeFileSync(join(folder, "ca.pem"), authority.certificatePem);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  origin = `https://127.0.0.1:${address.port}`;
});
afterAll(() => {
  registry.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function ask(endpoint: Partial<Endpoint>): Promise<unknown> {
  const whole = { origin, repositoryPrefix: "", caPath: undefined, isUnverified: false, ...endpoint };
  const signal = new AbortController().signal;
  return registry.manifest({ endpoint: whole, repository: "a", credentials: undefined, signal }, "v1");
}

test("a certificate that no known authority signed is refused", async () => {
  await expect(ask({})).rejects.toMatchObject({
    code: "image_pull_failed",
    message: expect.stringMatching(/certificate/),
  });
});

test("the authority in an endpoint's file is trusted, for that endpoint", async () => {
  await ask({ caPath: join(folder, "ca.pem") });
  await expect(ask({})).rejects.toMatchObject({ code: "image_pull_failed" });
});

test("an endpoint that is told to be unverified is not verified", async () => {
  await ask({ isUnverified: true });
  await expect(ask({})).rejects.toMatchObject({ code: "image_pull_failed" });
});

test("a registry without encryption is told as that, and what to do about it", async () => {
  const plain = createPlainServer((_, response) => response.end("{}"));
  plain.listen(0, "127.0.0.1");
  await once(plain, "listening");
  const address = plain.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  try {
    await expect(ask({ origin: `https://127.0.0.1:${address.port}` })).rejects.toMatchObject({
      code: "image_pull_failed",
      message: expect.stringMatching(/gave an HTTP response to an HTTPS client: .*registries\.yaml[^\n]*$/),
    });
  } finally {
    plain.close();
  }
});

test("a missing file of an authority is an error that names it", async () => {
  await expect(ask({ caPath: join(folder, "none.pem") })).rejects.toThrow("none.pem");
});
