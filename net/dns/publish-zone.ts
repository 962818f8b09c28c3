import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { NamePublisher } from "../host-network.js";
import type { NetworkMap } from "../node-network.js";
import { type Zone, zoneOf } from "./zone.js";

/** What publishing needs. */
export interface PublisherParts {
  readonly clusterDomain: string;
  /** Hands the zone to the process that answers; throws when it cannot. */
  readonly write: (zone: Zone) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Hands the names of the latest map to the DNS process. Several maps within limits.dnsPublishMs are one; a failed write is tried again. */
export function zonePublisher({ clusterDomain, write, clock, log }: PublisherParts): NamePublisher {
  let latest: NetworkMap | undefined;
  let isDue = false;
  const publish = (): void => {
    isDue = false;
    if (latest === undefined) return;
    try {
      write(zoneOf(latest, clusterDomain));
      latest = undefined;
    } catch (error) {
      log.warn("names were not published", { error: asTallshipError(error, "disk_failed").message });
      publishAfter(limit("dnsPublishRetryMs"));
    }
  };
  const publishAfter = (delayMs: number): void => {
    if (isDue) return;
    isDue = true;
    clock.after(delayMs, publish);
  };
  return {
    publish: (map) => {
      latest = map;
      publishAfter(limit("dnsPublishMs"));
    },
  };
}
