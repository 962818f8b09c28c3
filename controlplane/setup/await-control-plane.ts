// Edge: a file, and calls to the control plane of this host.
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { checkContextFile } from "../../lib/context-file.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import type { HostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { hostPort } from "../../lib/host-port.js";
import { limit } from "../../lib/limits.js";
import { systemClock } from "../../lib/system-clock.js";
import { mutableCredentials } from "../../lib/transport/credentials.js";
import { grpcDialer } from "../../lib/transport/grpc-dialer.js";
import type { Channel, Client } from "../../lib/transport/service.js";
import { ClusterDefinition, CreateTokenRequest, InfoRequest } from "../../proto/gen/tallship/v1/api.js";

/**
 * Waits until the control plane of this host serves and somebody leads; then makes a token for workers, good for so many uses (0: any number), when asked, and
 * returns it. Throws unavailable with where the log is.
 */
export async function awaitControlPlane(
  { host, paths }: { readonly host: HostConfig; readonly paths: HostPaths },
  want?: { readonly tokenUses: number },
): Promise<string> {
  const channel = await dialOwn(host, paths);
  const cluster = channel.client(ClusterDefinition);
  try {
    await untilServing(cluster, paths);
    if (want === undefined) return "";
    return (await cluster.createToken(CreateTokenRequest.fromPartial({ role: "worker", uses: want.tokenUses }))).token;
  } finally {
    channel.close();
  }
}

/** A channel to the control plane of this host, in the name of its administrator. The caller closes it. */
export async function dialOwn(host: HostConfig, paths: HostPaths): Promise<Channel> {
  const file = checkContextFile(parse(await readFile(paths.adminContext, "utf8")), paths.adminContext);
  const context = file.contexts.find(({ name }) => name === file.current);
  if (context === undefined)
    throw new TallshipError("failed_precondition", `read ${paths.adminContext}: no context ${file.current}`);
  const pair = { certificatePem: context.cert, keyPem: context.key };
  const credentials = mutableCredentials({ caPem: context.ca, pair });
  const dialer = grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock });
  return dialer.dial(hostPort(host.advertiseAddress, host.ports.api));
}

async function untilServing(cluster: Client<typeof ClusterDefinition>, paths: HostPaths): Promise<void> {
  const untilMs = systemClock.monotonicMs() + limit("startMs");
  for (;;) {
    const why = await cluster.info(InfoRequest.fromPartial({}), { deadlineMs: limit("dialMs") }).then(
      ({ leaderAddress }) => (leaderAddress === "" ? "nobody leads yet" : undefined),
      (error: unknown) => asTallshipError(error).message,
    );
    if (why === undefined) return;
    if (systemClock.monotonicMs() > untilMs)
      throw new TallshipError(
        "unavailable",
        `the control plane does not serve after ${limit("startMs") / 1_000} s: ${why}; see ${paths.log}/controlplane.log or journalctl -u tallship-controlplane`,
      );
    await systemClock.sleep(50, new AbortController().signal);
  }
}
