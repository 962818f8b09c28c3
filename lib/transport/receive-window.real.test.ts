import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { afterEach, test } from "vitest";
import { cluster } from "../../test/conformance/transport-fixture.js";
import { testAuthority, testCredentials } from "../../test/kit/test-authority.js";
import { waitFor } from "../../test/kit/wait.js";
import { LIMITS } from "../limits.js";
import { silentLog } from "../log.js";
import { systemClock } from "../system-clock.js";
import { mutableCredentials } from "./credentials.js";
import { startGrpcServer } from "./grpc-server.js";
import type { TransportServer } from "./service.js";

// The window is set on what grpc-js keeps to itself: this test tells when a later version keeps it elsewhere.

let session: ClientHttp2Session | undefined;
let server: TransportServer | undefined;
afterEach(async () => {
  session?.destroy();
  await server?.close(0);
});

test("a client may send as far ahead to a server as the limit says, in each stream and in all", async () => {
  const authority = testAuthority();
  server = await startGrpcServer({
    bindings: [cluster(() => Promise.reject(new Error("nobody asks")))],
    host: "127.0.0.1",
    port: 0,
    credentials: mutableCredentials(testCredentials(authority, "cp-1", "control-plane")),
    clientCertificates: "required",
    clock: systemClock,
    log: silentLog,
  });
  const { caPem, pair } = testCredentials(authority, "n1", "node");
  session = connect(`https://localhost:${server.port}`, { ca: caPem, cert: pair?.certificatePem, key: pair?.keyPem });
  await once(session, "connect");
  const bytes = LIMITS.flowControlWindowBytes.value;
  const client = session;
  // Of all streams together, and of each.
  await waitFor("the windows", () => {
    return client.state.remoteWindowSize === bytes && client.remoteSettings.initialWindowSize === bytes;
  });
});
