import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { assert, TallshipError } from "../../lib/errors.js";

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals values with AES-256-GCM under a key of their own, derived from the cluster's key, the place (the store key, which holds kind,
 * namespace and name) and the uid. So a ciphertext that is moved to another place, or put back after the object was made anew under
 * its old name and the uid in front of it replaced, does not open; and no key ever sees enough values for its nonces to collide.
 * Form: version, length of the uid, uid, nonce, ciphertext, tag.
 */
export class Sealer {
  private readonly sealKey: KeyObject;

  /** @param sealKey 32 bytes, the same on all control planes. */
  constructor(sealKey: Uint8Array) {
    assert(sealKey.length === 32, `the seal key has 32 bytes, not ${sealKey.length}`);
    this.sealKey = createSecretKey(sealKey);
  }

  /** Seals a value for its place. The nonce is 12 random bytes. */
  seal(
    value: Uint8Array,
    at: { readonly place: string; readonly uid: string; readonly nonce: Uint8Array },
  ): Uint8Array {
    const uid = Buffer.from(at.uid);
    assert(uid.length < 256 && at.nonce.length === NONCE_BYTES, "a uid has less than 256 bytes and a nonce 12");
    const cipher = createCipheriv("aes-256-gcm", this.keyFor(at.place, uid), at.nonce);
    const sealed = [cipher.update(value), cipher.final()];
    return Buffer.concat([Uint8Array.of(VERSION, uid.length), uid, at.nonce, ...sealed, cipher.getAuthTag()]);
  }

  /** Opens what was sealed for this place; seal_broken when it was sealed for another, with another key, or changed. */
  open(sealed: Uint8Array, place: string): Uint8Array {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
    const nonceAt = 2 + (bytes[1] ?? 0);
    const valueAt = nonceAt + NONCE_BYTES;
    const tagAt = bytes.length - TAG_BYTES;
    if (bytes[0] !== VERSION || tagAt < valueAt) throw broken(place);
    const key = this.keyFor(place, bytes.subarray(2, nonceAt));
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(nonceAt, valueAt));
    decipher.setAuthTag(bytes.subarray(tagAt));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(valueAt, tagAt)), decipher.final()]);
    } catch (cause) {
      throw broken(place, cause);
    }
  }

  /** A digest that only control planes can compute, so that a stored copy's name tells nothing of a secret. Hex. */
  digest(value: Uint8Array): string {
    return createHmac("sha256", this.sealKey).update("tallship content digest\0").update(value).digest("hex");
  }

  private keyFor(place: string, uid: Uint8Array): Buffer {
    return createHmac("sha256", this.sealKey).update(`tallship seal\0${place}\0`).update(uid).digest();
  }
}

function broken(place: string, cause?: unknown): TallshipError {
  return new TallshipError("seal_broken", `open ${place}: changed, moved or sealed with another key`, { cause });
}
