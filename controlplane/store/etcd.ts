import type { Clock } from "../../lib/clock.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import { type EtcdAddress, EtcdConnection } from "./etcd-connection.js";
import { compactTo, getEntry, listEntries, transactOnce } from "./etcd-kv.js";
import { grantLease } from "./etcd-lease.js";
import { watchRange } from "./etcd-watch.js";
import type { Store } from "./store.js";

/** The store in etcd, 3.4 or newer. Connects on first use; nothing is sent before. */
export function etcdStore(
  address: EtcdAddress,
  { clock, rng, log }: { readonly clock: Clock; readonly rng: Rng; readonly log: Log },
): Store {
  const connection = new EtcdConnection(address, clock, log);
  return {
    get: (key) => getEntry(connection, key),
    list: (prefixes, options = {}) =>
      listEntries(connection, typeof prefixes === "string" ? [prefixes] : prefixes, options),
    transact: (transaction) => transactOnce(connection, transaction),
    watch: (options) => watchRange(connection, options, { rng, log }),
    lease: (ttlMs) => grantLease(connection, ttlMs, log),
    compact: (revision) => compactTo(connection, revision),
    close: async () => connection.close(),
  };
}
