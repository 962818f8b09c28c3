import { afterEach, expect, test } from "vitest";
import { testAuthority, testCredentials } from "../../test/kit/test-authority.js";
import { silentLog } from "../log.js";
import { systemClock } from "../system-clock.js";
import { mutableCredentials } from "./credentials.js";
import { startGrpcServer } from "./grpc-server.js";
import { movedControlPlaneHandler, tellMovedControlPlane } from "./moved-control-plane.js";
import type { Role } from "./peer-identity.js";
import type { TransportServer } from "./service.js";

const authority = testAuthority();
const servers: TransportServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close(0))));

/** A node's port, and what it has learned. */
async function nodePort(): Promise<{ readonly address: string; readonly learned: readonly string[] }> {
  const learned: string[] = [];
  const server = await startGrpcServer({
    ...{ bindings: [], host: "127.0.0.1", port: 0, clientCertificates: "required", clock: systemClock, log: silentLog },
    credentials: mutableCredentials(testCredentials(authority, "node-a", "node")),
    onHttp: movedControlPlaneHandler(
      (address) => learned.push(address),
      (_request, response) => response.writeHead(404).end(),
    ),
  });
  servers.push(server);
  return { address: `127.0.0.1:${server.port}`, learned };
}

const tell = (address: string, { as = "control-plane", to = "node-a", says = "192.0.2.9:7443" } = {}): Promise<void> =>
  tellMovedControlPlane({ name: to, address }, says, {
    // The rows below name roles.
    credentials: testCredentials(authority, "cp-1", as as Role),
    clock: systemClock,
  });

test("a node learns from a control plane where it is now", async () => {
  const { address, learned } = await nodePort();
  await tell(address);
  expect(learned).toEqual(["192.0.2.9:7443"]);
});

test.each([
  { what: "another node", told: { as: "node" }, why: "status 403" },
  { what: "an administrator", told: { as: "admin" }, why: "status 403" },
  {
    what: "a control plane that takes it for another node",
    told: { to: "node-b" },
    why: "is node node-a, not node node-b",
  },
  { what: "a control plane that says no address", told: { says: "nowhere" }, why: "status 400" },
  { what: "a control plane that says too much", told: { says: `${"x".repeat(400)}:1` }, why: "status 400" },
])("a node learns nothing from $what", async ({ told, why }) => {
  const { address, learned } = await nodePort();
  await expect(tell(address, told)).rejects.toThrow(why);
  expect(learned).toEqual([]);
});
