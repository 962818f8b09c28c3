import { asTallshipError, hasCode } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import type { ClusterConfig } from "../../proto/gen/tallship/v1/session.js";
import { FastAnswers } from "./fast-answer.js";
import { Forwarder, questionBytes } from "./forwarder.js";
import { hostServers } from "./host-resolver.js";
import { NamesFollower, namesPath } from "./names-file.js";
import { Responder, type ResponderParts } from "./responder.js";
import { type Answerer, type DnsServer, listenDns } from "./server.js";
import { askOverNetwork } from "./upstream.js";
import { UpstreamServers } from "./upstream-servers.js";
import { Zone } from "./zone.js";

/** How the DNS process is run. */
export interface DnsOptions {
  readonly cluster: Pick<ClusterConfig, "dnsAddress" | "clusterDomain" | "podCIDR" | "serviceCIDR"> &
    Partial<Pick<ClusterConfig, "podCIDRIPv6" | "serviceCIDRIPv6">>;
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
  const ask = askOverNetwork(systemClock);
  const servers = new UpstreamServers({
    read: hostServers(options.resolvConf, cluster.dnsAddress),
    probe: (server, name) => void ask(server, questionBytes({ name, type: "A" }, systemRng)).catch(() => undefined),
    rng: systemRng,
    log,
  });
  const zone = new Zone(cluster.clusterDomain);
  const stopFollowing = new NamesFollower(namesPath(runDir), zone, (error) =>
    log.error("the file of names is malformed", { error: error.message }),
  ).follow();
  const answerer = answererOf(zone, {
    forwarder: new Forwarder({ ask, servers, clock: systemClock, rng: systemRng }),
    ranges: [cluster.podCIDR, cluster.serviceCIDR, cluster.podCIDRIPv6 ?? "", cluster.serviceCIDRIPv6 ?? ""],
    rng: systemRng,
  });
  const server = await listenWhenThere(options, answerer, signal);
  if (server === undefined) return stopFollowing();
  log.info("answering names", { address: cluster.dnsAddress, names: zone.nameCount });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  stopFollowing();
  server.close();
}

function answererOf(zone: Zone, parts: ResponderParts): Answerer {
  const responder = new Responder(zone, parts);
  const fast = new FastAnswers(zone, parts.rng);
  return {
    fast: (query, asker) => fast.answer(query, asker),
    reply: (question, asker) => responder.reply({ ...question, asker }),
  };
}

/** The agent puts the address on a device of the host; until it has, there is nothing to listen on. */
async function listenWhenThere(
  { cluster, port, log }: DnsOptions,
  answerer: Answerer,
  signal: AbortSignal,
): Promise<DnsServer | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await listenDns(cluster.dnsAddress, port, answerer);
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
