import { afterEach } from "vitest";
import { transportConformance } from "../../test/conformance/transport.js";
import { testAuthority, testCredentials } from "../../test/kit/test-authority.js";
import { silentLog } from "../log.js";
import { systemClock } from "../system-clock.js";
import { mutableCredentials } from "./credentials.js";
import { grpcDialer } from "./grpc-dialer.js";
import { startGrpcServer } from "./grpc-server.js";
import type { Binding, Dialer, Identity, TransportServer } from "./service.js";

const authority = testAuthority();
const served: TransportServer[] = [];
const serverCredentials = mutableCredentials(testCredentials(authority, "cp-1", "control-plane"));

transportConformance("grpc over mTLS", async () => ({
  serve: async (bindings) => {
    const server = await serve(bindings);
    return { address: `127.0.0.1:${server.port}`, close: () => server.close(1_000) };
  },
  dialer: ({ name, role }) => dialer({ name, role }),
  elapse: (ms) => systemClock.sleep(ms, new AbortController().signal),
  deadAddress: "127.0.0.1:1",
  dispose: closeAll,
}));

afterEach(closeAll);

async function closeAll(): Promise<void> {
  await Promise.all(served.splice(0).map((server) => server.close(0)));
}

async function serve(bindings: readonly Binding[]): Promise<TransportServer> {
  const server = await startGrpcServer({
    bindings,
    host: "127.0.0.1",
    port: 0,
    credentials: serverCredentials,
    clientCertificates: "required",
    clock: systemClock,
    log: silentLog,
  });
  served.push(server);
  return server;
}

function dialer({ name, role }: Identity): Dialer {
  if (role === "anonymous") throw new Error("nobody dials anonymously here");
  const credentials = mutableCredentials(testCredentials(authority, name, role));
  return grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock });
}
