import type { KeyPair } from "../../lib/pki/issue.js";
import { createAuthority, issueKeyPair } from "../../lib/pki/issue.js";
import { systemRng } from "../../lib/system-rng.js";
import type { Credentials } from "../../lib/transport/credentials.js";
import { organizationOf, type Role } from "../../lib/transport/peer-identity.js";

/** An authority of a test's own, valid now. */
export function testAuthority(name = "test"): KeyPair {
  return createAuthority({ name, nowMs: Date.now(), lifeMs: 86_400_000 }, systemRng);
}

/** Credentials of the name and role under the authority; `lifeMs` may be negative for a certificate that has expired. */
export function testCredentials(authority: KeyPair, name: string, role: Role, lifeMs = 3_600_000): Credentials {
  const pair = issueKeyPair(
    authority,
    {
      subject: { name, organization: organizationOf(role) },
      addresses: ["127.0.0.1", "localhost"],
      usages: ["client", "server"],
      nowMs: Date.now(),
      lifeMs,
    },
    systemRng,
  );
  return { caPem: authority.certificatePem, pair };
}
