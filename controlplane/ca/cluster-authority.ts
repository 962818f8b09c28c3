import { formatError } from "../../kinds/formats.js";
import { isIpv4, isIpv6 } from "../../kinds/ip.js";
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { issueCertificate, issueKeyPair, type KeyPair, type Usage } from "../../lib/pki/issue.js";
import { pinOfKey, readCertificate, wasSignedBy } from "../../lib/pki/read.js";
import { readRequest } from "../../lib/pki/request.js";
import type { Rng } from "../../lib/rng.js";
import { organizationOf, type Role } from "../../lib/transport/peer-identity.js";

/** Who a certificate shall be for. */
export interface Applicant {
  readonly name: string;
  readonly role: Role;
  /** Where it is reached; only those that a role may claim are certified. */
  readonly addresses: readonly string[];
}

/** What certificates of a role are good for, and how long. Servers are control planes and nodes alone. */
const TERMS: Readonly<Record<Role, { readonly usages: readonly Usage[]; readonly lifeMs: number }>> = {
  node: { usages: ["client", "server"], lifeMs: limit("nodeCertificateMs") },
  "control-plane": { usages: ["client", "server"], lifeMs: limit("nodeCertificateMs") },
  admin: { usages: ["client"], lifeMs: limit("userCertificateMs") },
  metrics: { usages: ["client"], lifeMs: limit("userCertificateMs") },
};

/** The cluster's authority: the only place that decides what its certificates say. Only control planes hold its key. */
export class ClusterAuthority {
  private readonly authority: KeyPair;
  private readonly clock: Clock;
  private readonly rng: Rng;

  constructor(authority: KeyPair, deps: { readonly clock: Clock; readonly rng: Rng }) {
    this.authority = authority;
    this.clock = deps.clock;
    this.rng = deps.rng;
  }

  get certificatePem(): string {
    return this.authority.certificatePem;
  }

  get keyPem(): string {
    return this.authority.keyPem;
  }

  /** Signs the key of a certificate request; nothing else in the request counts. */
  sign(request: Uint8Array, applicant: Applicant): string {
    return issueCertificate(this.authority, readRequest(request), this.termsFor(applicant), this.rng);
  }

  /** A fresh key with its certificate, for a process of this host. */
  issue(applicant: Applicant): KeyPair {
    return issueKeyPair(this.authority, this.termsFor(applicant), this.rng);
  }

  /** True when this authority signed the certificate (PEM), whether or not it has expired, for that name and role and for the key of the request. */
  hasCertified(certificatePem: Buffer, subject: Pick<Applicant, "name" | "role">, request: Uint8Array): boolean {
    if (certificatePem.length === 0) return false;
    const facts = readCertificate(certificatePem);
    const isSame = facts.subject.name === subject.name && facts.subject.organization === organizationOf(subject.role);
    const isItsKey = facts.pin === pinOfKey(readRequest(request));
    return isSame && isItsKey && wasSignedBy(certificatePem, this.authority.certificatePem);
  }

  private termsFor(applicant: Applicant): Parameters<typeof issueCertificate>[2] {
    checkApplicant(applicant);
    const { name, role } = applicant;
    const addresses = role === "node" || role === "control-plane" ? claimable(applicant) : [];
    const subject = { name, organization: organizationOf(role) };
    return { subject, addresses, nowMs: this.clock.nowMs(), ...TERMS[role] };
  }
}

/** Throws invalid_argument when the name or an address cannot stand in a certificate. */
export function checkApplicant({ name, addresses }: Applicant): void {
  const why = name.length > 63 ? "want at most 63 characters" : formatError("dnsSubdomain", name);
  if (name === "" || why !== undefined)
    throw new TallshipError("invalid_argument", `certificate for "${name}": ${why ?? "want a name"}`);
  if (addresses.length > limit("certificateAddresses"))
    throw new TallshipError(
      "invalid_argument",
      `certificate for ${name}: ${addresses.length} addresses, at most ${limit("certificateAddresses")}`,
    );
  const odd = addresses.find(
    (address) => !isIpv4(address) && !isIpv6(address) && formatError("dnsSubdomain", address) !== undefined,
  );
  if (odd !== undefined)
    throw new TallshipError(
      "invalid_argument",
      `certificate for ${name}: "${odd}" is neither an IP address nor a host name`,
    );
}

/** A node is certified under its IP addresses and its own name, never under a host name that may be somebody else's. */
function claimable({ name, role, addresses }: Applicant): readonly string[] {
  const ips = addresses.filter((address) => isIpv4(address) || isIpv6(address));
  const names = role === "control-plane" ? addresses.filter((address) => !ips.includes(address)) : [];
  return [...new Set([...ips, name, ...names, ...(role === "control-plane" ? ["localhost"] : [])])];
}
