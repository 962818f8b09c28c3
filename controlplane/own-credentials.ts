import type { Clock } from "../lib/clock.js";
import type { Log } from "../lib/log.js";
import { readCertificate } from "../lib/pki/read.js";
import type { Rng } from "../lib/rng.js";
import { type CredentialSource, type Credentials, mutableCredentials } from "../lib/transport/credentials.js";
import { keepRenewed } from "../lib/transport/renewal.js";
import type { Applicant, ClusterAuthority } from "./ca/cluster-authority.js";

/** What a control plane shows and dials with. It signs its own certificate, keeps it in memory, and renews it until the signal aborts. */
export function ownCredentials(
  authority: ClusterAuthority,
  applicant: Applicant,
  deps: {
    readonly clock: Clock;
    readonly rng: Rng;
    readonly log: Log;
    readonly onExpiry: (expiresAtMs: number) => void;
  },
  signal: AbortSignal,
): CredentialSource {
  const issue = (): Credentials => {
    const pair = authority.issue(applicant);
    deps.onExpiry(readCertificate(pair.certificatePem).notAfterMs);
    return { caPem: authority.certificatePem, pair };
  };
  const source = mutableCredentials(issue());
  void keepRenewed(source, async () => issue(), deps, signal);
  return source;
}
