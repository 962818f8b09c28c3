import { createHash, X509Certificate } from "node:crypto";
import { TallshipError } from "../errors.js";
import type { Subject } from "./distinguished-name.js";

/** What a certificate says, read back. */
export interface CertificateFacts {
  readonly subject: Subject;
  /** IP addresses and DNS names. */
  readonly addresses: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SHA-256 of its SubjectPublicKeyInfo, base64url. */
  readonly pin: string;
}

/** Reads the first certificate of a PEM; throws invalid_argument when it is malformed. */
export function readCertificate(pem: string | Buffer): CertificateFacts {
  const certificate = parse(pem);
  return {
    subject: subjectOf(certificate),
    addresses: (certificate.subjectAltName ?? "")
      .split(", ")
      .filter((entry) => entry !== "")
      .map((entry) => entry.slice(entry.indexOf(":") + 1)),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    pin: pinOf(certificate),
  };
}

/** True when the authority's key signed the certificate and both are valid at the time. Chains are one link long by design. */
export function isSignedBy(pem: string | Buffer, authorityPem: string | Buffer, nowMs: number): boolean {
  const isTimely = [parse(pem), parse(authorityPem)].every(
    ({ validFrom, validTo }) => Date.parse(validFrom) <= nowMs && nowMs < Date.parse(validTo),
  );
  return isTimely && wasSignedBy(pem, authorityPem);
}

/** True when the authority's key signed the certificate, however long ago. */
export function wasSignedBy(pem: string | Buffer, authorityPem: string | Buffer): boolean {
  const [certificate, authority] = [parse(pem), parse(authorityPem)];
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** The pin of a public key (SubjectPublicKeyInfo, DER): that of every certificate for it. */
export function pinOfKey(publicKey: Uint8Array): string {
  return createHash("sha256").update(publicKey).digest("base64url");
}

function pinOf(certificate: X509Certificate): string {
  return pinOfKey(certificate.publicKey.export({ type: "spki", format: "der" }));
}

/** Attributes stand one to a line, "CN=…"; a name that has an attribute twice is refused, since its readers might differ. */
function subjectOf(certificate: X509Certificate): Subject {
  const attributes = new Map<string, string>();
  for (const line of certificate.subject?.split("\n") ?? []) {
    const at = line.indexOf("=");
    const name = line.slice(0, at);
    if (attributes.has(name))
      throw new TallshipError("invalid_argument", `read certificate: ${name} stands twice in its subject`);
    attributes.set(name, line.slice(at + 1));
  }
  return { name: attributes.get("CN") ?? "", organization: attributes.get("O") ?? "" };
}

function parse(pem: string | Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new TallshipError("invalid_argument", "read certificate: malformed PEM", { cause });
  }
}
