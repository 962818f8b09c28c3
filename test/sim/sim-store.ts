import type {
  Entry,
  Lease,
  Listing,
  ListOptions,
  Store,
  StoreBatch,
  Transaction,
  TransactionResult,
} from "../../controlplane/store/store.js";
import { TallshipError } from "../../lib/errors.js";
import { sharedAbort } from "../../lib/shared-abort.js";
import type { FaultSource } from "./faults.js";
import type { SimProcess } from "./sim-clock.js";

/** A store as one simulated process sees it: calls take time, fail before or after they happened, and kill the process now and then. */
export class SimStore implements Store {
  private readonly inner: Store;
  private readonly process: SimProcess;
  private readonly faults: FaultSource;

  constructor(inner: Store, process: SimProcess, faults: FaultSource) {
    this.inner = inner;
    this.process = process;
    this.faults = faults;
  }

  get(key: string): Promise<Entry | undefined> {
    return this.call("get", () => this.inner.get(key));
  }

  list(prefixes: string | readonly string[], options?: ListOptions): Promise<Listing> {
    return this.call("list", () => this.inner.list(prefixes, options));
  }

  transact(transaction: Transaction): Promise<TransactionResult> {
    if (this.faults.strikes("crashAtWrite")) return this.crash(transaction);
    return this.call("transact", () => this.inner.transact(transaction));
  }

  /** Dies before or after the write; the caller never hears of it. */
  private crash(transaction: Transaction): Promise<TransactionResult> {
    const pending = this.faults.isAfterEffect() ? this.inner.transact(transaction) : Promise.resolve();
    void pending.catch(() => undefined).then(() => this.process.kill());
    return new Promise(() => undefined);
  }

  async *watch(options: {
    readonly prefixes: readonly string[];
    readonly afterRevision: number;
    readonly signal: AbortSignal;
  }): AsyncGenerator<StoreBatch, void, undefined> {
    try {
      for await (const batch of this.inner.watch(options)) {
        await this.pass();
        yield batch;
      }
    } catch (error) {
      await this.pass();
      throw error;
    }
  }

  /** That a lease is lost, its holder hears when it can hear: a paused one acts first on what it missed before. */
  async lease(ttlMs: number): Promise<Lease> {
    const lease = await this.call("lease", () => this.inner.lease(ttlMs));
    const lost = sharedAbort();
    const lose = (): void => this.process.deliver(() => lost.abort());
    if (lease.lost.aborted) lose();
    else lease.lost.addEventListener("abort", lose, { once: true });
    return { id: lease.id, lost: lost.signal, revoke: () => this.call("revoke", () => lease.revoke()) };
  }

  compact(revision: number): Promise<void> {
    return this.call("compact", () => this.inner.compact(revision));
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private async call<T>(operation: string, act: () => Promise<T>): Promise<T> {
    await this.pass();
    if (this.faults.strikes("storeBefore")) throw lost(operation);
    const result = await act();
    await this.pass();
    if (this.faults.strikes("storeAfter")) throw lost(operation);
    return result;
  }

  /** One way over the wire. */
  private pass(): Promise<void> {
    return new Promise((resolve) => {
      this.process.after(this.faults.delayMs(), resolve);
    });
  }
}

function lost(operation: string): TallshipError {
  return new TallshipError("store_unavailable", `${operation}: the simulated etcd does not answer`);
}
