import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Check, Entry, StoreBatch, StoreEvent, Transaction, TransactionResult, Write } from "./store.js";
import { validateTransaction } from "./transaction.js";

interface Held {
  readonly entry: Entry;
  readonly leaseId: string | undefined;
}

interface Grant {
  readonly keys: Set<string>;
  readonly onGone: () => void;
}

// Revisions that one batch of a watch may span; keeps a watcher that catches up from blocking the loop.
const batchRevisions = 1_000;
// The revision of an etcd that was never written.
const firstRevision = 1;

/**
 * What an etcd cluster holds, in memory: one revision per transaction that changes something, a history for watches, leases.
 * Every method is synchronous, so that each is a critical section. Time is not known here: who connects ends leases.
 */
export class MemoryEtcd {
  private readonly held = new Map<string, Held>();
  /** One row per revision after `compacted`, without gaps. */
  private readonly history: (readonly StoreEvent[])[] = [];
  private readonly grants = new Map<string, Grant>();
  private readonly listeners = new Set<() => void>();
  private readonly historyRevisions: number;
  private lastLease = 0;
  private compacted = firstRevision;

  constructor(historyRevisions: number = limit("memoryHistoryRevisions")) {
    this.historyRevisions = historyRevisions;
  }

  /** The revision of the last change; 1 when nothing was ever written, as in etcd. */
  get revision(): number {
    return this.compacted + this.history.length;
  }

  get(key: string): Entry | undefined {
    return this.held.get(key)?.entry;
  }

  /** Entries below the prefixes in order of key. */
  list(prefixes: readonly string[]): readonly Entry[] {
    const found: Entry[] = [];
    for (const [key, { entry }] of this.held) if (prefixes.some((prefix) => key.startsWith(prefix))) found.push(entry);
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  transact(transaction: Transaction): TransactionResult {
    validateTransaction(transaction);
    const { guard, checks, writes } = transaction;
    if (guard !== undefined && (this.get(guard.key)?.createRevision ?? 0) !== guard.createRevision)
      return { is: "guard_failed" };
    const conflicts: Check[] = [];
    for (const { key, revision } of checks) {
      const found = this.get(key)?.revision ?? 0;
      if (found !== revision) conflicts.push({ key, revision: found });
    }
    if (conflicts.length > 0) return { is: "conflict", conflicts };
    this.write(writes);
    return { is: "committed", revision: this.revision };
  }

  /** Changes below the prefixes after the revision, whole revisions only; undefined when there are none yet. */
  changesAfter(after: number, prefixes: readonly string[]): StoreBatch | undefined {
    if (after >= this.revision) return undefined;
    if (after < this.compacted && this.compacted > firstRevision)
      throw new TallshipError("history_lost", `watch after revision ${after}: compacted up to ${this.compacted}`);
    const first = Math.max(0, after - this.compacted);
    const rows = this.history.slice(first, first + batchRevisions);
    const events = rows.flat().filter((event) => {
      const key = event.type === "put" ? event.entry.key : event.key;
      return prefixes.some((prefix) => key.startsWith(prefix));
    });
    return { events, revision: this.compacted + first + rows.length };
  }

  /** Forgets changes at and before the revision. */
  compact(revision: number): void {
    if (revision > this.revision)
      throw new TallshipError("invalid_argument", `compact ${revision}: the revision is ${this.revision}`);
    if (revision <= this.compacted) return;
    this.history.splice(0, revision - this.compacted);
    this.compacted = revision;
  }

  /** Grants a lease; `onGone` is called once when it is revoked. */
  grant(onGone: () => void): string {
    this.lastLease += 1;
    const id = String(this.lastLease);
    this.grants.set(id, { keys: new Set(), onGone });
    return id;
  }

  /** Deletes the lease and its keys in one revision; nothing when it is gone. */
  revoke(id: string): void {
    const grant = this.grants.get(id);
    if (grant === undefined) return;
    this.grants.delete(id);
    this.write([...grant.keys].sort().map((key) => ({ op: "delete", key })));
    grant.onGone();
  }

  /** Ends every lease at once, as etcd 3.4 wrongly does after some restarts. */
  revokeAll(): void {
    for (const id of [...this.grants.keys()]) this.revoke(id);
  }

  /** Calls after each change. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private write(writes: readonly Write[]): void {
    for (const write of writes)
      if (write.op === "put" && write.leaseId !== undefined && !this.grants.has(write.leaseId))
        throw new TallshipError("failed_precondition", `put ${write.key}: lease ${write.leaseId} is gone`);
    const revision = this.revision + 1;
    const events = writes.flatMap((write) => this.writeOne(write, revision));
    if (events.length === 0) return;
    this.history.push(events);
    if (this.history.length > this.historyRevisions) this.compact(this.revision - this.historyRevisions);
    for (const listener of [...this.listeners]) listener();
  }

  private writeOne(write: Write, revision: number): StoreEvent[] {
    const before = this.held.get(write.key);
    if (before?.leaseId !== undefined) this.grants.get(before.leaseId)?.keys.delete(write.key);
    if (write.op === "delete") {
      this.held.delete(write.key);
      return before === undefined ? [] : [{ type: "delete", key: write.key, revision }];
    }
    const { key, value, leaseId } = write;
    const entry = { key, value, revision, createRevision: before?.entry.createRevision ?? revision };
    this.held.set(key, { entry, leaseId });
    if (leaseId !== undefined) this.grants.get(leaseId)?.keys.add(key);
    return [{ type: "put", entry }];
  }
}
