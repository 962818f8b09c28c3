import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { TallshipError } from "../errors.js";
import { bitString, context, readElement, readElements, sequence, TAG, unsigned } from "./der.js";
import { encodeSubject } from "./distinguished-name.js";
import { publicKeyOf, signatureAlgorithm, signWith } from "./keys.js";

/** A certificate request (PKCS #10, DER) for the key. The name is a courtesy: the signer decides what the certificate says. */
export function createRequest(keyPem: string, name: string): Buffer {
  const content = sequence(
    unsigned(Uint8Array.of(0)),
    encodeSubject({ name, organization: "" }),
    publicKeyOf(keyPem),
    context(0),
  );
  return sequence(content, signatureAlgorithm(), bitString(signWith(keyPem, content)));
}

/**
 * The public key (SubjectPublicKeyInfo, DER) of a certificate request whose signature proves that the sender holds the private half.
 * Throws invalid_argument for anything else than ECDSA P-256. Nothing but the key is believed.
 */
export function readRequest(request: Uint8Array): Buffer {
  const [content, algorithm, signature] = readElements(readElement(request).content);
  if (content === undefined || algorithm === undefined || signature === undefined) throw refused("malformed");
  const [, , publicKey] = readElements(content.content);
  if (publicKey === undefined || signature.tag !== TAG.bitString) throw refused("malformed");
  if (!algorithm.whole.equals(signatureAlgorithm())) throw refused("not signed with ecdsa-with-SHA256");
  const key = readPublicKey(publicKey.whole);
  if (key.asymmetricKeyType !== "ec" || key.asymmetricKeyDetails?.namedCurve !== "prime256v1")
    throw refused("the key is not on the curve P-256");
  if (!verify("sha256", content.whole, { key, dsaEncoding: "der" }, signature.content.subarray(1)))
    throw refused("the signature is not by its key");
  return key.export({ type: "spki", format: "der" });
}

function readPublicKey(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, type: "spki", format: "der" });
  } catch (cause) {
    throw new TallshipError("invalid_argument", "certificate request refused: malformed public key", { cause });
  }
}

function refused(why: string): TallshipError {
  return new TallshipError("invalid_argument", `certificate request refused: ${why}`);
}
