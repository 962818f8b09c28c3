import { afterEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { networkMap, nodeObject, type TestService } from "../../test/kit/network-world.js";
import { waitFor } from "../../test/kit/wait.js";
import { healthCheckServers } from "./health-check-servers.js";
import { healthChecksOf } from "./health-checks.js";

const PORT = 39_641;
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
const asked = async (): Promise<unknown> => {
  const response = await fetch(`http://127.0.0.1:${PORT}/healthz`);
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
  servers.answer(healthChecksOf(map(["-10.128.4.2", "!10.128.4.3", "10.128.5.9"]), "node-4"));
  expect(await asked()).toEqual({ status: 503, weight: "0", body: { ...body, localEndpoints: 0 } });
  servers.answer([]);
  await expect(asked()).rejects.toThrow();
});
