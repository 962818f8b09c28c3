import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import type { Store } from "./store.js";

/** The calls that are measured. */
export type StoreOperation = "get" | "list" | "transact" | "lease" | "compact";

/** Told of every call: how long it took, and "ok" or the code of its error. */
export type StoreObserver = (operation: StoreOperation, result: string, tookMs: number) => void;

/** A store that reports how long its calls take; it changes nothing else. */
export function measuredStore(store: Store, clock: Clock, observe: StoreObserver): Store {
  const measure = async <T>(operation: StoreOperation, call: () => Promise<T>): Promise<T> => {
    const startedAtMs = clock.monotonicMs();
    try {
      const value = await call();
      observe(operation, "ok", clock.monotonicMs() - startedAtMs);
      return value;
    } catch (error) {
      observe(operation, asTallshipError(error).code, clock.monotonicMs() - startedAtMs);
      throw error;
    }
  };
  return {
    get: (key) => measure("get", () => store.get(key)),
    list: (prefixes, options) => measure("list", () => store.list(prefixes, options)),
    transact: (transaction) => measure("transact", () => store.transact(transaction)),
    watch: (options) => store.watch(options),
    lease: (ttlMs) => measure("lease", () => store.lease(ttlMs)),
    compact: (revision) => measure("compact", () => store.compact(revision)),
    close: () => store.close(),
  };
}
