import { backoffMs } from "../../lib/backoff.js";
import type { Clock } from "../../lib/clock.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import { EpochRecord } from "../../proto/gen/tallship/v1/record.js";
import type { ControlPlaneMetrics } from "../metrics.js";
import { META } from "../store/keys.js";
import type { Listing, Store, StoreBatch } from "../store/store.js";
import { ChangeHistory } from "./change-history.js";
import { ObjectView } from "./object-view.js";
import { type Suspect, standing, suspectsOf, takeBatch, takeListing } from "./take-changes.js";
import type { CacheBatch, View, WatchCache } from "./view.js";

/** What a watch cache needs. */
export interface WatchCacheDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** From ensureEpoch. */
  readonly clusterEpoch: string;
  readonly metrics?: Pick<ControlPlaneMetrics, "cacheObjects" | "cacheRevision" | "cacheRelistsTotal">;
}

interface Waiter {
  readonly revision: number;
  readonly settle: () => void;
}

const prefixes = ["/tallship/", "/tallship-events/"] as const;
const retry = { firstMs: 100, maxMs: 5_000 };

/**
 * Lists everything, then keeps the cache equal to the store until the signal aborts. `ended` rejects when it no longer can: a store that was
 * closed or restored from a backup, or a listener that threw. The process must then start anew; nothing here is worth mending.
 */
export async function startWatchCache(
  deps: WatchCacheDeps,
  signal: AbortSignal,
): Promise<{ readonly cache: WatchCache; readonly ended: Promise<void> }> {
  const listing = await listAll(deps, signal);
  const cache = new StoreCache(deps, listing.revision);
  cache.load(listing);
  const ended = cache.follow(signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  ended.catch(() => undefined);
  return { cache, ended };
}

async function listAll(deps: WatchCacheDeps, signal: AbortSignal): Promise<Listing> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await deps.store.list(prefixes);
    } catch (error) {
      deps.log.warn("store cannot be listed; trying again", { error });
      await deps.clock.sleep(backoffMs(retry, attempt, deps.rng), signal);
    }
  }
}

class StoreCache implements WatchCache {
  readonly clusterEpoch: string;
  private readonly deps: WatchCacheDeps;
  private readonly objects = new ObjectView();
  private readonly history: ChangeHistory;
  private readonly listeners = new Set<(batch: CacheBatch) => void>();
  private readonly waiters = new Set<Waiter>();

  constructor(deps: WatchCacheDeps, revision: number) {
    this.deps = deps;
    this.clusterEpoch = deps.clusterEpoch;
    this.history = new ChangeHistory(limit("watchHistoryEvents"), revision);
  }

  get view(): View {
    return this.objects;
  }

  waitFor(revision: number, signal: AbortSignal): Promise<void> {
    if (this.objects.revision >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const finish = (end: () => void): void => {
        cancel();
        this.waiters.delete(waiter);
        signal.removeEventListener("abort", gone);
        end();
      };
      const gone = (): void => finish(() => reject(new TallshipError("cancelled", "wait for revision was cancelled")));
      const late = (): void => {
        const message = `wait for revision ${revision}: this replica is at ${this.objects.revision}`;
        finish(() => reject(new TallshipError("too_new", message)));
      };
      const waiter = { revision, settle: () => finish(resolve) };
      const cancel = this.deps.clock.after(limit("minRevisionWaitMs"), late);
      this.waiters.add(waiter);
      if (signal.aborted) gone();
      else signal.addEventListener("abort", gone, { once: true });
    });
  }

  subscribe(listener: (batch: CacheBatch) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  batchesAfter(revision: number): readonly CacheBatch[] | undefined {
    return this.history.after(revision);
  }

  /** Takes the first listing; nobody listens yet. */
  load(listing: Listing): void {
    this.report(takeListing(this.objects, listing, this.deps.log));
  }

  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.watchUntilLost(signal);
      if (!signal.aborted) await this.relist(signal);
    }
  }

  /** Ends when the watch lost history or changes, or when the signal aborts. */
  private async watchUntilLost(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const watching = AbortSignal.any([signal, stop.signal]);
    const finding = this.findLost(watching).finally(() => stop.abort());
    const afterRevision = this.objects.revision;
    try {
      for await (const batch of this.deps.store.watch({ prefixes, afterRevision, signal: watching })) this.take(batch);
    } catch (error) {
      if (!hasCode(error, "history_lost")) throw error;
      this.deps.metrics?.cacheRelistsTotal.inc({ reason: "history_lost" });
      this.deps.log.warn("watch lost its history; listing anew", { revision: this.objects.revision });
    } finally {
      stop.abort();
      await finding;
    }
  }

  private take(batch: StoreBatch): void {
    for (const event of batch.events)
      if (event.type === "put" && event.entry.key === META.epoch)
        this.assertEpoch(EpochRecord.decode(event.entry.value).epoch);
    const taken = takeBatch(this.objects, batch, this.deps.log);
    if (taken.changes.length > 0) this.history.push(taken);
    this.deliver(taken);
  }

  /** Delivers what the watch lost as differences to a listing. */
  private async relist(signal: AbortSignal): Promise<void> {
    const listing = await listAll(this.deps, signal);
    const epoch = listing.entries.find((entry) => entry.key === META.epoch);
    if (epoch !== undefined) this.assertEpoch(EpochRecord.decode(epoch.value).epoch);
    this.assertForward(listing.revision);
    const repair = takeListing(this.objects, listing, this.deps.log);
    if (repair.changes.length > 0) this.history.pushRepair(repair);
    this.deliver(repair);
  }

  /** Resolves when the watch was found to have lost changes, or when the signal aborts. */
  private async findLost(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.deps.clock.sleep(limit("cacheCompareMs"), signal);
        const lost = await this.lostChanges(signal);
        if (lost.length === 0) continue;
        this.deps.metrics?.cacheRelistsTotal.inc({ reason: "changes_lost" });
        this.deps.log.error("watch lost changes; listing anew", { count: lost.length, first: lost[0]?.key });
        return;
      } catch (error) {
        if (!signal.aborted) this.deps.log.warn("cache could not be compared with the store", { error });
      }
    }
  }

  private async lostChanges(signal: AbortSignal): Promise<readonly Suspect[]> {
    const first = await this.compare();
    if (first.length === 0) return first;
    await this.deps.clock.sleep(limit("cacheCompareAgainMs"), signal);
    return standing(first, await this.compare());
  }

  private async compare(): Promise<readonly Suspect[]> {
    const held = this.objects.revision;
    const listing = await this.deps.store.list(prefixes, { keysOnly: true });
    // A store that went back is found as a lost change; the listing that follows ends the cache.
    const wentBack = listing.revision < held ? [{ key: "", revision: -1 }] : [];
    return [...wentBack, ...suspectsOf(this.objects, listing)];
  }

  private report(batch: CacheBatch): void {
    const { metrics } = this.deps;
    if (metrics === undefined) return;
    metrics.cacheRevision.set(batch.revision);
    for (const kind of new Set(batch.changes.map(({ key }) => key.kind)))
      metrics.cacheObjects.set({ kind }, this.objects.count(kind));
  }

  private deliver(batch: CacheBatch): void {
    this.report(batch);
    for (const listener of [...this.listeners]) listener(batch);
    for (const waiter of [...this.waiters]) if (waiter.revision <= batch.revision) waiter.settle();
  }

  private assertEpoch(epoch: string): void {
    if (epoch === this.clusterEpoch) return;
    throw new TallshipError(
      "failed_precondition",
      `the store is of epoch ${epoch}, this process of ${this.clusterEpoch}`,
    );
  }

  private assertForward(revision: number): void {
    if (revision >= this.objects.revision) return;
    const held = this.objects.revision;
    throw new TallshipError("failed_precondition", `the store went back from revision ${held} to ${revision}`);
  }
}
