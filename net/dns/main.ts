import { asTallshipError, hasCode } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import type { ClusterConfig } from "../../proto/gen/tallship/v1/session.js";
import { Forwarder } from "./forwarder.js";
import { hostServers } from "./host-resolver.js";
import { Responder } from "./responder.js";
import { type DnsServer, listenDns } from "./server.js";
import { askOverNetwork } from "./upstream.js";
import { emptyZone } from "./zone.js";
import { readZone, watchZone, zonePath } from "./zone-file.js";

/** How the DNS process is run. */
export interface DnsOptions {
  readonly cluster: Pick<ClusterConfig, "dnsAddress" | "clusterDomain" | "podCIDR" | "serviceCIDR">;
  /** Where the agent leaves the zone, such as /run/tallship. */
  readonly runDir: string;
  /** The host's resolver configuration. */
  readonly resolvConf: string;
  /** 53 but in tests. */
  readonly port: number;
  readonly log: Log;
}

/** Answers names on this node from what the agent last wrote, whether the agent lives or not. Ends when the signal aborts. */
export async function runDns(options: DnsOptions, signal: AbortSignal): Promise<void> {
  const { cluster, runDir, log } = options;
  const path = zonePath(runDir);
  const servers = hostServers(options.resolvConf, cluster.dnsAddress);
  const forwarder = new Forwarder({ ask: askOverNetwork(systemClock), servers, clock: systemClock, rng: systemRng });
  const zone = readZone(path) ?? emptyZone(cluster.clusterDomain);
  const responder = new Responder(zone, { forwarder, ranges: [cluster.podCIDR, cluster.serviceCIDR], rng: systemRng });
  const unwatch = watchZone(path, () => {
    const next = readZone(path);
    if (next !== undefined) responder.replace(next);
  });
  const server = await listenWhenThere(options, responder, signal);
  if (server === undefined) return unwatch();
  log.info("answering names", { address: cluster.dnsAddress, names: Object.keys(zone.names).length });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  unwatch();
  server.close();
}

/** The agent puts the address on a device of the host; until it has, there is nothing to listen on. */
async function listenWhenThere(
  { cluster, port, log }: DnsOptions,
  responder: Responder,
  signal: AbortSignal,
): Promise<DnsServer | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await listenDns(cluster.dnsAddress, port, responder);
    } catch (error) {
      if (attempt === 0)
        log.info("the address is not there yet", {
          address: cluster.dnsAddress,
          error: asTallshipError(error).message,
        });
    }
    await systemClock.sleep(limit("dnsListenRetryMs"), signal).catch((error: unknown) => {
      if (!hasCode(error, "cancelled")) throw error;
    });
  }
  return undefined;
}
