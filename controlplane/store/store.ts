/** A value in the store. `revision` is the etcd mod revision of its last write, `createRevision` that of its creation. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
  readonly createRevision: number;
}

/** What must hold of a key for a transaction to happen: its revision, 0 for absent. */
export interface Check {
  readonly key: string;
  readonly revision: number;
}

/** Compares a key's create revision, so that a deposed leader's writes fail: the election's key, from Leadership. */
export interface Guard {
  readonly key: string;
  readonly createRevision: number;
}

/** One write of a transaction. `leaseId` binds the key to a lease. */
export type Write =
  | { readonly op: "put"; readonly key: string; readonly value: Uint8Array; readonly leaseId?: string }
  | { readonly op: "delete"; readonly key: string };

/**
 * All checks and the guard hold and all writes happen, or nothing does. No key is written twice. At most limits.transactionOperations
 * writes and as many checks, limits.transactionBytes together (transactionSize); else invalid_argument or too_large before anything is sent.
 */
export interface Transaction {
  readonly guard?: Guard;
  readonly checks: readonly Check[];
  readonly writes: readonly Write[];
}

/** What came of a transaction: the revision of its writes, or the checks that failed with the revisions found (0: absent). */
export type TransactionResult =
  | { readonly is: "committed"; readonly revision: number }
  | { readonly is: "conflict"; readonly conflicts: readonly Check[] }
  | { readonly is: "guard_failed" };

/** What a list found, and the revision it is true of. */
export interface Listing {
  readonly entries: readonly Entry[];
  readonly revision: number;
}

/** How a list is made. */
export interface ListOptions {
  /** Leaves the values empty: for comparing revisions. */
  readonly keysOnly?: boolean;
}

/** One change, as a watch delivers it. */
export type StoreEvent =
  | { readonly type: "put"; readonly entry: Entry }
  | { readonly type: "delete"; readonly key: string; readonly revision: number };

/** Changes in order of revision; all changes of one revision are in one batch. Everything up to `revision` has been delivered. */
export interface StoreBatch {
  readonly events: readonly StoreEvent[];
  readonly revision: number;
}

/** A held lease. */
export interface Lease {
  readonly id: string;
  /** Aborted when the holder must stop acting: last acknowledgement + TTL − margin by its own monotonic clock. */
  readonly lost: AbortSignal;
  /** Gives the lease back; its keys vanish. */
  revoke(): Promise<void>;
}

/**
 * Edge: the store of desired state, with etcd's semantics. Real: etcd. Others: memory, simulated.
 * One conformance suite (test/conformance/store.ts) holds for all. No call retries a write by itself: read again and decide.
 * Failures: store_unavailable and deadline_exceeded (a write may have happened), history_lost, failed_precondition (a lease that is gone).
 */
export interface Store {
  /** The latest value; undefined when absent. Linearizable. */
  get(key: string): Promise<Entry | undefined>;
  /** All entries below a prefix, or below several that do not overlap, in order of key, as of one revision. Pages internally. */
  list(prefixes: string | readonly string[], options?: ListOptions): Promise<Listing>;
  transact(transaction: Transaction): Promise<TransactionResult>;
  /**
   * Every change below the prefixes with revision > afterRevision, in order, none lost or doubled, across reconnects.
   * Throws history_lost when the changes are compacted. Ends when the signal aborts; fails with store_unavailable when the store is closed,
   * never because etcd is away. A batch without events reports progress.
   */
  watch(options: {
    readonly prefixes: readonly string[];
    readonly afterRevision: number;
    readonly signal: AbortSignal;
  }): AsyncIterable<StoreBatch>;
  /** Grants a lease and keeps it alive until it is revoked or lost. etcd rounds up to whole seconds, two at least. */
  lease(ttlMs: number): Promise<Lease>;
  /** Forgets changes at and before the revision. */
  compact(revision: number): Promise<void>;
  /** Ends calls and watches. Leases are not revoked: they run out, as when the process dies. */
  close(): Promise<void>;
}
