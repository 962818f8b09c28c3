import { once } from "node:events";
import { createServer } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testAuthority, testCredentials } from "../../test/kit/test-authority.js";
import { checkHttp } from "./http-check.js";

const { pair } = testCredentials(testAuthority(), "web", "control-plane");
const asked: string[] = [];
const server = createServer({ key: pair?.keyPem, cert: pair?.certificatePem }, ({ url, headers }, response) => {
  asked.push(`${url} ${headers.host}`);
  response.writeHead(url === "/sick" ? 503 : 204).end();
});
let port = 0;

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  port = typeof address === "object" ? (address?.port ?? 0) : 0;
});
afterAll(() => {
  server.close();
});

const ask = (scheme: "HTTP" | "HTTPS", path: string) => {
  const headers = [{ name: "Host", value: "example.org" }];
  return checkHttp({ is: "http", scheme, host: "127.0.0.1", port, path, headers }, new AbortController().signal);
};

test("a probe over HTTPS asks whoever answers, whatever authority signed the certificate, and takes the status for what it is", async () => {
  expect(await ask("HTTPS", "/well")).toMatchObject({ isPassed: true });
  expect(asked).toEqual(["/well example.org"]);
  expect(await ask("HTTPS", "/sick")).toEqual({ isPassed: false, message: "HTTP probe failed with statuscode: 503" });
  await expect(ask("HTTP", "/well")).rejects.toThrow();
});
