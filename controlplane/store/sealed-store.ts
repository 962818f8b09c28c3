import { decodeObject, metaOf, storePrefix } from "../../kinds/object.js";
import { hasCode } from "../../lib/errors.js";
import type { Rng } from "../../lib/rng.js";
import { CONTENT } from "./keys.js";
import type { Sealer } from "./seal.js";
import type { Entry, Store, StoreBatch, StoreEvent, Transaction, Write } from "./store.js";

const SECRETS = storePrefix("Secret");

/**
 * A store whose secrets are sealed at rest: Secret objects and the stored copies of their contents, whole. This layer is where sealing
 * stands, and not the API, because everything that writes objects goes through a store: neither a controller nor a later
 * writer can forget it, etcd and its backups never see a value, and everything above works on plain messages.
 */
export function sealedStore(store: Store, sealer: Sealer, rng: Rng): Store {
  const openEntry = (entry: Entry): Entry =>
    isSealed(entry.key) ? { ...entry, value: sealer.open(entry.value, entry.key) } : entry;
  // One broken value must not keep a replica from all others: in lists and watches it is empty, which no reader takes for an object.
  const openOrEmpty = (entry: Entry): Entry => {
    try {
      return openEntry(entry);
    } catch (error) {
      if (hasCode(error, "seal_broken")) return { ...entry, value: new Uint8Array() };
      throw error;
    }
  };
  const openEvent = (event: StoreEvent): StoreEvent =>
    event.type === "put" && isSealed(event.entry.key) ? { type: "put", entry: openOrEmpty(event.entry) } : event;
  const sealWrite = (write: Write): Write => {
    if (write.op === "delete" || !isSealed(write.key)) return write;
    const at = { place: write.key, uid: uidOf(write), nonce: rng.bytes(12) };
    return { ...write, value: sealer.seal(write.value, at) };
  };
  return {
    get: async (key) => {
      const entry = await store.get(key);
      return entry === undefined ? undefined : openEntry(entry);
    },
    list: async (prefixes, options) => {
      const listing = await store.list(prefixes, options);
      return options?.keysOnly ? listing : { ...listing, entries: listing.entries.map(openOrEmpty) };
    },
    transact: (transaction: Transaction) =>
      store.transact({ ...transaction, writes: transaction.writes.map(sealWrite) }),
    watch: (options) => openBatches(store.watch(options), openEvent),
    lease: (ttlMs) => store.lease(ttlMs),
    compact: (revision) => store.compact(revision),
    close: () => store.close(),
  };
}

function isSealed(key: string): boolean {
  return key.startsWith(SECRETS) || key.startsWith(CONTENT.sealed);
}

function uidOf(write: Write & { readonly op: "put" }): string {
  return write.key.startsWith(SECRETS) ? metaOf(decodeObject(write.value).object).uid : "";
}

async function* openBatches(
  batches: AsyncIterable<StoreBatch>,
  openEvent: (event: StoreEvent) => StoreEvent,
): AsyncGenerator<StoreBatch, void, undefined> {
  for await (const batch of batches) yield { events: batch.events.map(openEvent), revision: batch.revision };
}
