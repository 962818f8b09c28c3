import type { Cancel, Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { MemoryEtcd } from "./memory-etcd.js";
import type { Entry, Lease, Listing, ListOptions, Store, StoreBatch, Transaction, TransactionResult } from "./store.js";

const withoutValue = (entry: Entry): Entry => ({ ...entry, value: new Uint8Array() });

/** A lease as its holder sees it: the countdown runs while the holder is not connected. */
class HeldLease {
  readonly lost = new AbortController();
  readonly ttlMs: number;
  private countdown: readonly Cancel[] = [];

  constructor(ttlMs: number) {
    this.ttlMs = ttlMs;
  }

  start(clock: Clock, expire: () => void): void {
    if (this.countdown.length > 0) return;
    const stopMs = Math.max(0, this.ttlMs - limit("leaseMarginMs"));
    this.countdown = [clock.after(stopMs, () => this.lost.abort()), clock.after(this.ttlMs, expire)];
  }

  /** A lease whose holder has stopped is not kept alive again: it runs out. */
  stop(): void {
    if (this.lost.signal.aborted) return;
    this.end();
  }

  end(): void {
    for (const cancel of this.countdown) cancel();
    this.countdown = [];
  }
}

/**
 * One process's connection to a MemoryEtcd. Deterministic: a call acts at once and its promise resolves in the next microtask.
 * `setReachable(false)` cuts it off as a partition does: calls fail, watches stall, leases run out by the clock.
 */
export class MemoryStore implements Store {
  private readonly etcd: MemoryEtcd;
  private readonly clock: Clock;
  private readonly leases = new Map<string, HeldLease>();
  private readonly sleepers = new Set<() => void>();
  private state: "open" | "cut" | "closed" = "open";

  constructor(clock: Clock, etcd: MemoryEtcd = new MemoryEtcd()) {
    this.clock = clock;
    this.etcd = etcd;
  }

  async get(key: string): Promise<Entry | undefined> {
    this.assertReachable(`get ${key}`);
    return this.etcd.get(key);
  }

  async list(prefixes: string | readonly string[], options: ListOptions = {}): Promise<Listing> {
    this.assertReachable(`list ${prefixes}`);
    const entries = this.etcd.list(typeof prefixes === "string" ? [prefixes] : prefixes);
    return { entries: options.keysOnly ? entries.map(withoutValue) : entries, revision: this.etcd.revision };
  }

  async transact(transaction: Transaction): Promise<TransactionResult> {
    this.assertReachable("transact");
    return this.etcd.transact(transaction);
  }

  async *watch(options: {
    readonly prefixes: readonly string[];
    readonly afterRevision: number;
    readonly signal: AbortSignal;
  }): AsyncGenerator<StoreBatch, void, undefined> {
    const { prefixes, signal } = options;
    let after = options.afterRevision;
    while (!signal.aborted) {
      if (this.state === "closed") throw new TallshipError("store_unavailable", "watch: the store is closed");
      const batch = this.state === "open" ? this.etcd.changesAfter(after, prefixes) : undefined;
      if (batch === undefined) {
        await this.changed(signal);
        continue;
      }
      after = batch.revision;
      yield batch;
    }
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.assertReachable("lease");
    const lease = new HeldLease(ttlMs);
    const id = this.etcd.grant(() => {
      lease.end();
      lease.lost.abort();
      this.leases.delete(id);
    });
    this.leases.set(id, lease);
    return {
      id,
      lost: lease.lost.signal,
      revoke: async () => {
        lease.lost.abort();
        this.assertReachable("revoke lease");
        this.etcd.revoke(id);
      },
    };
  }

  async compact(revision: number): Promise<void> {
    this.assertReachable("compact");
    this.etcd.compact(revision);
  }

  async close(): Promise<void> {
    this.enter("closed");
  }

  /** Cuts the connection or mends it. */
  setReachable(isReachable: boolean): void {
    if (this.state !== "closed") this.enter(isReachable ? "open" : "cut");
  }

  private enter(state: "open" | "cut" | "closed"): void {
    this.state = state;
    for (const [id, lease] of this.leases)
      if (state === "open") lease.stop();
      else lease.start(this.clock, () => this.etcd.revoke(id));
    for (const wake of [...this.sleepers]) wake();
  }

  private assertReachable(operation: string): void {
    if (this.state === "open") return;
    throw new TallshipError("store_unavailable", `${operation}: the store is ${this.state}`);
  }

  private changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        unlisten();
        this.sleepers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const unlisten = this.etcd.onChange(wake);
      this.sleepers.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
