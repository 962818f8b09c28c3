import { hasCode } from "../lib/errors.js";
import type { Log } from "../lib/log.js";
import type { WatchCache } from "./cache/view.js";

/** Resolves when the cache reflects the revision, however long the store's watch takes; throws cancelled when the signal aborts. */
export async function caughtUp(cache: WatchCache, revision: number, signal: AbortSignal, log: Log): Promise<void> {
  while (cache.view.revision < revision) {
    try {
      await cache.waitFor(revision, signal);
    } catch (error) {
      if (!hasCode(error, "too_new")) throw error;
      log.warn("cache lags behind the store", { revision, cache: cache.view.revision });
    }
  }
}
