// Edge: the node's keys for encrypted tunnels, in a file that root alone can read.
import { generateKeyPairSync } from "node:crypto";
import { readFileIfPresent, writeFileAtomic } from "../../lib/atomic-file.js";
import { TallshipError } from "../../lib/errors.js";
import type { TunnelKey, TunnelKeys } from "./tunnel-keys.js";

/** Keys in `path`. A file that cannot be understood is an error: keys made anew would cut the node off from those who know the old. */
export function tunnelKeyFile(path: string): TunnelKeys {
  return {
    load: async () => {
      const bytes = await readFileIfPresent(path);
      return bytes === undefined ? [] : parsed(path, bytes.toString("utf8"));
    },
    save: (keys) => writeFileAtomic(path, `${JSON.stringify(keys)}\n`, 0o600),
    make: (generation, madeAtMs) => {
      const { privateKey, publicKey } = generateKeyPairSync("x25519");
      const [own, shown] = [privateKey.export({ format: "jwk" }).d, publicKey.export({ format: "jwk" }).x];
      return { generation, privateKey: base64(own), publicKey: base64(shown), madeAtMs };
    },
  };
}

/** WireGuard's form of what a JWK has in base64url. */
function base64(text = ""): string {
  return Buffer.from(text, "base64url").toString("base64");
}

function parsed(path: string, text: string): readonly TunnelKey[] {
  try {
    const read: unknown = JSON.parse(text);
    if (Array.isArray(read) && read.every(isKey)) return read;
  } catch {
    // Told below, whatever is wrong.
  }
  throw new TallshipError("failed_precondition", `read keys of encrypted tunnels: ${path} is damaged: remove it`);
}

function isKey(value: unknown): value is TunnelKey {
  // A parser: what JSON calls an object is a record of unknown values.
  const { generation, privateKey, publicKey, madeAtMs } = (value ?? {}) as Record<string, unknown>;
  const areNumbers = typeof generation === "number" && typeof madeAtMs === "number";
  return areNumbers && typeof privateKey === "string" && typeof publicKey === "string";
}
