import { once } from "node:events";
import { connect, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { freePort } from "../../test/kit/etcd.js";
import { networkMap, nodeObject, type TestService } from "../../test/kit/network-world.js";
import { waitFor } from "../../test/kit/wait.js";
import { healthCheckServers } from "./health-check-servers.js";
import { healthChecksOf } from "./health-checks.js";

const PORT = await freePort();
const servers = healthCheckServers(silentLog);
afterEach(() => servers.close());

const map = (endpoints: readonly string[]): ReturnType<typeof networkMap> => {
  const web: TestService = {
    name: "web",
    type: "LoadBalancer",
    endpoints,
    ports: [{ port: 80 }],
    spec: { externalTrafficPolicy: "Local", healthCheckNodePort: PORT },
  };
  return networkMap(1, [nodeObject(4)], [web]);
};
const asked = async (host = "127.0.0.1"): Promise<unknown> => {
  const response = await fetch(`http://${host}:${PORT}/healthz`);
  return {
    status: response.status,
    weight: response.headers.get("x-load-balancing-endpoint-weight"),
    body: await response.json(),
  };
};
const body = { service: { namespace: "default", name: "web" }, serviceProxyHealthy: true };

test("a node tells by HTTP how many endpoints it has, 503 when none, and falls silent when nobody is to ask", async () => {
  servers.answer(healthChecksOf(map(["10.128.4.2", "10.128.4.3", "10.128.5.9"]), "node-4"));
  await waitFor("an answer", () => asked().then(Boolean, () => false));
  expect(await asked()).toEqual({ status: 200, weight: "2", body: { ...body, localEndpoints: 2 } });
  expect(await asked("[::1]")).toEqual(await asked());
  servers.answer(healthChecksOf(map(["-10.128.4.2", "!10.128.4.3", "10.128.5.9"]), "node-4"));
  expect(await asked()).toEqual({ status: 503, weight: "0", body: { ...body, localEndpoints: 0 } });
  servers.answer([]);
  await expect(asked()).rejects.toThrow();
});

test("a port that somebody has is taken with the next change once it is free; more connections than it may have are cut", async () => {
  const other = createServer().listen(PORT, "0.0.0.0");
  await once(other, "listening");
  const answer = (): void => servers.answer(healthChecksOf(map(["10.128.4.2"]), "node-4"));
  answer();
  other.close();
  await once(other, "close");
  await waitFor("an answer", () => {
    answer();
    return asked().then(Boolean, () => false);
  });
  const sockets = Array.from({ length: limit("healthCheckConnections") + 20 }, () => connect(PORT, "127.0.0.1"));
  let ended = 0;
  for (const socket of sockets)
    socket
      .on("error", () => undefined)
      .on("close", () => {
        ended += 1;
      });
  await waitFor("some to be cut", () => ended >= 20);
  for (const socket of sockets) socket.destroy();
  await waitFor("an answer again", () => asked().then(Boolean, () => false));
});
