import type { ClusterContext } from "../lib/context-file.js";
import { systemClock } from "../lib/system-clock.js";
import { mutableCredentials } from "../lib/transport/credentials.js";
import { grpcDialer } from "../lib/transport/grpc-dialer.js";
import type { Dialer } from "../lib/transport/service.js";

/** A dialer that shows the context's certificate and talks to control planes of its authority only. Slow to load: 50 ms. */
export function dialerOf(context: ClusterContext): Dialer {
  const pair = { certificatePem: context.cert, keyPem: context.key };
  const credentials = mutableCredentials({ caPem: context.ca, pair });
  return grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock });
}
