// Edge: what the host remembers of networks, in a file.
import { readFileIfPresent, writeFileAtomic } from "../../lib/atomic-file.js";
import { asTallshipError } from "../../lib/errors.js";
import type { Log } from "../../lib/log.js";
import { RememberedNetworks } from "../../proto/gen/tallship/v1/network.js";
import type { NetworksMemory } from "./networks-memory.js";

/** Networks in `path`. A damaged file counts as none: the control plane knows better anyhow. */
export function networksFile(path: string, log: Log): NetworksMemory {
  let saved: Buffer | undefined;
  return {
    load: async () => {
      try {
        const bytes = await readFileIfPresent(path);
        return bytes === undefined ? [] : RememberedNetworks.decode(bytes).networks;
      } catch (error) {
        log.warn("what was remembered of networks cannot be read", {
          error: asTallshipError(error, "disk_failed").message,
        });
        return [];
      }
    },
    save: async (networks) => {
      const bytes = Buffer.from(RememberedNetworks.encode({ networks: [...networks] }).finish());
      if (saved?.equals(bytes) === true) return;
      try {
        await writeFileAtomic(path, bytes, 0o600);
        saved = bytes;
      } catch (error) {
        log.warn("networks were not remembered", { error: asTallshipError(error, "disk_failed").message });
      }
    },
  };
}
