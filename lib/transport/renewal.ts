import { backoffMs } from "../backoff.js";
import type { Clock } from "../clock.js";
import type { Log } from "../log.js";
import { readCertificate } from "../pki/read.js";
import type { Rng } from "../rng.js";
import type { Credentials, MutableCredentials } from "./credentials.js";

/** What renewal needs. */
export interface RenewalDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

const RETRY = { firstMs: 1_000, maxMs: 300_000 };
/** The wall clock may jump: it is looked at this often at least. */
const LOOK_MS = 600_000;

/** When a certificate shall be renewed: after two thirds of its life. */
export function renewAtMs(certificatePem: string): number {
  const { notBeforeMs, notAfterMs } = readCertificate(certificatePem);
  return notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3;
}

/**
 * Replaces credentials before they expire, until the signal aborts. `renew` gets the current ones and returns those to follow; when it fails it is asked
 * again, with backoff, for as long as it takes. Connections that are up are not touched.
 */
export async function keepRenewed(
  source: MutableCredentials,
  renew: (current: Credentials) => Promise<Credentials>,
  deps: RenewalDeps,
  signal: AbortSignal,
): Promise<void> {
  const { clock, rng, log } = deps;
  for (let failures = 0; !signal.aborted; ) {
    const { pair } = source.current();
    if (pair === undefined) return;
    const waitMs = failures > 0 ? backoffMs(RETRY, failures - 1, rng) : renewAtMs(pair.certificatePem) - clock.nowMs();
    if (waitMs > 0) await clock.sleep(Math.min(waitMs, LOOK_MS), signal).catch(() => undefined);
    if (signal.aborted || clock.nowMs() < renewAtMs(pair.certificatePem)) continue;
    try {
      source.replace(await renew(source.current()));
      failures = 0;
      log.info("certificate renewed");
    } catch (error) {
      failures += 1;
      log.warn("certificate cannot be renewed; trying again", { error, failures });
    }
  }
}
