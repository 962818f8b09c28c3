import { createHash } from "node:crypto";
import { TallshipError } from "../errors.js";
import { LIMITS } from "../limits.js";
import type { Rng } from "../rng.js";
import {
  bitString,
  context,
  contextPrimitive,
  derTime,
  derTrue,
  objectId,
  octetString,
  readElement,
  readElements,
  sequence,
  unsigned,
} from "./der.js";
import { encodeSubject, type Subject } from "./distinguished-name.js";
import { ipBytes } from "./ip-bytes.js";
import { createKey, publicKeyOf, signatureAlgorithm, signWith } from "./keys.js";
import { derOfPem, pemOf } from "./pem.js";

/** A certificate and the key it is for, PEM. An authority is one whose certificate may sign others. */
export interface KeyPair {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** What a certificate is good for in TLS. */
export type Usage = "client" | "server";

/** What a certificate says. It is valid from limits.clockSkewMs before `nowMs` until `lifeMs` after. */
export interface CertificateTerms {
  readonly subject: Subject;
  /** IP addresses and DNS names that a server of this certificate is reached at. */
  readonly addresses: readonly string[];
  readonly usages: readonly Usage[];
  readonly nowMs: number;
  readonly lifeMs: number;
}

const USAGE_OIDS: Readonly<Record<Usage, string>> = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" };

/** Makes an authority: a self-signed certificate that may sign end certificates, and no further authorities. */
export function createAuthority(
  terms: { readonly name: string; readonly nowMs: number; readonly lifeMs: number },
  rng: Rng,
): KeyPair {
  const keyPem = createKey();
  const publicKey = publicKeyOf(keyPem);
  const subject = encodeSubject({ name: terms.name, organization: "" });
  const extensions = [
    extension("2.5.29.19", sequence(derTrue(), unsigned(Uint8Array.of(0))), "critical"),
    extension("2.5.29.15", bitString(Uint8Array.of(0b0000_0110), 1), "critical"), // keyCertSign, cRLSign
    extension("2.5.29.14", octetString(keyId(publicKey))),
  ];
  const content = { ...terms, issuer: subject, subject, publicKey, extensions };
  return { certificatePem: signed(content, keyPem, rng), keyPem };
}

/** Signs a certificate for a public key (SubjectPublicKeyInfo, DER); PEM. The authority's key must be that of its certificate. */
export function issueCertificate(authority: KeyPair, publicKey: Uint8Array, terms: CertificateTerms, rng: Rng): string {
  const issuer = issuerOf(authority.certificatePem);
  if (!issuer.publicKey.equals(publicKeyOf(authority.keyPem)))
    throw new TallshipError(
      "invalid_argument",
      `issue certificate for ${terms.subject.name}: the authority's key is not that of its certificate`,
    );
  const extensions = [
    extension("2.5.29.19", sequence(), "critical"),
    extension("2.5.29.15", bitString(Uint8Array.of(0b1000_0000), 7), "critical"), // digitalSignature
    extension("2.5.29.37", sequence(...terms.usages.map((usage) => objectId(USAGE_OIDS[usage])))),
    extension("2.5.29.14", octetString(keyId(publicKey))),
    extension("2.5.29.35", sequence(contextPrimitive(0, keyId(issuer.publicKey)))),
    ...(terms.addresses.length === 0 ? [] : [extension("2.5.29.17", sequence(...terms.addresses.map(generalName)))]),
  ];
  const subject = encodeSubject(terms.subject);
  return signed({ ...terms, issuer: issuer.subject, subject, publicKey, extensions }, authority.keyPem, rng);
}

/** A fresh key and a certificate for it. */
export function issueKeyPair(authority: KeyPair, terms: CertificateTerms, rng: Rng): KeyPair {
  const keyPem = createKey();
  return { certificatePem: issueCertificate(authority, publicKeyOf(keyPem), terms, rng), keyPem };
}

interface Content {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Uint8Array[];
  readonly nowMs: number;
  readonly lifeMs: number;
}

function signed(content: Content, keyPem: string, rng: Rng): string {
  const serial = Buffer.from(rng.bytes(16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const validity = sequence(derTime(content.nowMs - LIMITS.clockSkewMs.value), derTime(content.nowMs + content.lifeMs));
  const toSign = sequence(
    context(0, unsigned(Uint8Array.of(2))),
    unsigned(serial),
    signatureAlgorithm(),
    content.issuer,
    validity,
    content.subject,
    content.publicKey,
    context(3, sequence(...content.extensions)),
  );
  return pemOf("CERTIFICATE", sequence(toSign, signatureAlgorithm(), bitString(signWith(keyPem, toSign))));
}

function extension(oid: string, value: Uint8Array, critical?: "critical"): Buffer {
  return sequence(objectId(oid), ...(critical === undefined ? [] : [derTrue()]), octetString(value));
}

function keyId(publicKey: Uint8Array): Buffer {
  return createHash("sha256").update(publicKey).digest().subarray(0, 20);
}

function generalName(address: string): Buffer {
  const ip = ipBytes(address);
  return ip === undefined ? contextPrimitive(2, Buffer.from(address, "ascii")) : contextPrimitive(7, ip);
}

/** Subject and public key of a certificate, byte for byte: TBSCertificate is [0] version, serial, algorithm, issuer, validity, subject, key, … */
function issuerOf(certificatePem: string): { readonly subject: Buffer; readonly publicKey: Buffer } {
  const [toSign] = readElements(readElement(derOfPem("CERTIFICATE", certificatePem)).content);
  const [, , , , , subject, publicKey] = toSign === undefined ? [] : readElements(toSign.content);
  if (subject === undefined || publicKey === undefined)
    throw new TallshipError("invalid_argument", "read the authority's certificate: malformed");
  return { subject: subject.whole, publicKey: publicKey.whole };
}
