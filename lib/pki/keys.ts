import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { TallshipError } from "../errors.js";
import { objectId, sequence } from "./der.js";

/** A private key, PKCS #8 PEM. ECDSA P-256 throughout. */
export function createKey(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
}

/** The public half of a private key, as a SubjectPublicKeyInfo in DER. */
export function publicKeyOf(keyPem: string): Buffer {
  return createPublicKey(readKey(keyPem)).export({ type: "spki", format: "der" });
}

/** Signs with ECDSA and SHA-256; the signature is in DER, as X.509 wants it. */
export function signWith(keyPem: string, content: Uint8Array): Buffer {
  return sign("sha256", content, { key: readKey(keyPem), dsaEncoding: "der" });
}

/** AlgorithmIdentifier of ecdsa-with-SHA256. */
export function signatureAlgorithm(): Buffer {
  return sequence(objectId("1.2.840.10045.4.3.2"));
}

function readKey(keyPem: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(keyPem);
  } catch (cause) {
    throw new TallshipError("invalid_argument", "read private key: malformed PEM", { cause });
  }
}
