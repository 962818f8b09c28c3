import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { TallshipError } from "../../lib/errors.js";
import type { Rng } from "../../lib/rng.js";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals bytes so that only this node reads them, and only as what they were sealed for. */
export interface Seal {
  seal(plain: Uint8Array, boundTo: string): Uint8Array;
  /** Throws invalid_argument when the bytes were changed, or sealed by another key or for something else. */
  open(sealed: Uint8Array, boundTo: string): Uint8Array;
}

/** AES-256-GCM under a key derived from the node's private key: whoever copies the disk without it reads no secret. */
export function nodeSeal(privateKeyPem: string, rng: Rng): Seal {
  const key = Buffer.from(hkdfSync("sha256", privateKeyPem, "", "tallship checkpoint v1", 32));
  return {
    seal: (plain, boundTo) => {
      const nonce = rng.bytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(boundTo));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open: (sealed, boundTo) => {
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES))
          .setAAD(Buffer.from(boundTo))
          .setAuthTag(sealed.subarray(-TAG_BYTES));
        return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
      } catch (cause) {
        throw new TallshipError("invalid_argument", `open what was sealed for ${boundTo}: it does not fit`, { cause });
      }
    },
  };
}
