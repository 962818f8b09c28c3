import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { sharedAbort } from "../../lib/shared-abort.js";
import { LeaderRecord } from "../../proto/gen/tallship/v1/record.js";
import { type FollowDeps, followKey, pause } from "./follow-key.js";
import { META } from "./keys.js";
import type { Entry, Guard, Lease } from "./store.js";

/** Held by the one replica that leads. */
export interface Leadership {
  /** Put into every transaction of the leader: once another was elected, they fail with guard_failed. Its createRevision is the election's revision. */
  readonly guard: Guard;
  /** Aborted when this replica must stop acting as leader, for whatever reason; also after resign. */
  readonly lost: AbortSignal;
  /** Gives leadership up at once, so that another replica need not wait for the lease. Twice is once. */
  resign(): Promise<void>;
}

/** Who leads, as the store says. */
export interface Leader {
  readonly record: LeaderRecord;
  /** The election's revision: greater means later. */
  readonly createRevision: number;
}

/**
 * Leader election over the store: the key META.leader bound to a lease. Whoever creates it leads until the key is gone. Correctness rests on
 * the guard alone (etcd 3.4 may revoke a lease wrongly, a process may be paused); lease and signal only make the change of leader quick.
 */
export class Election {
  private readonly deps: FollowDeps;
  private readonly self: LeaderRecord;

  constructor(deps: FollowDeps, self: LeaderRecord) {
    this.deps = deps;
    this.self = self;
  }

  /** Waits until this replica leads. Survives a store that is away; throws cancelled when the signal aborts. */
  async campaign(signal: AbortSignal): Promise<Leadership> {
    let failures = 0;
    while (!signal.aborted) {
      const outcome = await this.tryOnce(signal);
      if (outcome === "failed") await pause(this.deps, failures, signal);
      else if (outcome !== "not_elected") return outcome;
      failures = outcome === "failed" ? failures + 1 : 0;
    }
    throw new TallshipError("cancelled", "campaign was cancelled");
  }

  /** The leader now and at each change, undefined while there is none. Ends when the signal aborts. */
  async *observe(signal: AbortSignal): AsyncGenerator<Leader | undefined, void, undefined> {
    for await (const entry of followKey(this.deps, META.leader, signal))
      yield entry && { record: LeaderRecord.decode(entry.value), createRevision: entry.createRevision };
  }

  private async tryOnce(signal: AbortSignal): Promise<Leadership | "not_elected" | "failed"> {
    const before = await this.vacancy(signal);
    if (before === "cancelled") return "not_elected";
    let lease: Lease | undefined;
    let outcome: "not_elected" | "failed" = "not_elected";
    try {
      lease = await this.deps.store.lease(limit("leaderLeaseMs"));
      const revision = await this.take(lease, before);
      if (revision !== undefined && !signal.aborted) return this.lead(lease, revision);
    } catch (error) {
      this.deps.log.warn("campaign failed; trying again", { error });
      outcome = "failed";
    }
    // The key may have been written all the same: it goes with the lease.
    await this.giveBack(lease);
    return outcome;
  }

  /** Waits until nobody leads, or until it is this replica's own former life: its key, which is returned, may be replaced. */
  private async vacancy(signal: AbortSignal): Promise<Entry | undefined | "cancelled"> {
    for await (const entry of followKey(this.deps, META.leader, signal)) {
      if (entry === undefined) return undefined;
      if (LeaderRecord.decode(entry.value).id === this.self.id) return entry;
    }
    return "cancelled";
  }

  private async take(lease: Lease, before: Entry | undefined): Promise<number | undefined> {
    const { store } = this.deps;
    const key = META.leader;
    if (before !== undefined) {
      const checks = [{ key, revision: before.revision }];
      const removed = await store.transact({ checks, writes: [{ op: "delete", key }] });
      if (removed.is !== "committed") return undefined;
    }
    const value = LeaderRecord.encode(this.self).finish();
    const result = await store.transact({
      checks: [{ key, revision: 0 }],
      writes: [{ op: "put", key, value, leaseId: lease.id }],
    });
    return result.is === "committed" ? result.revision : undefined;
  }

  private lead(lease: Lease, createRevision: number): Leadership {
    const lost = sharedAbort();
    const lose = (): void => lost.abort();
    if (lease.lost.aborted) lose();
    else lease.lost.addEventListener("abort", lose, { once: true });
    void this.watchOwnKey(createRevision, lost);
    lost.signal.addEventListener("abort", () => void this.giveBack(lease), { once: true });
    return {
      guard: { key: META.leader, createRevision },
      lost: lost.signal,
      resign: async () => {
        lose();
        await this.giveBack(lease);
      },
    };
  }

  private async watchOwnKey(createRevision: number, lost: AbortController): Promise<void> {
    for await (const entry of followKey(this.deps, META.leader, lost.signal))
      if (entry?.createRevision !== createRevision) return lost.abort();
  }

  private async giveBack(lease: Lease | undefined): Promise<void> {
    try {
      await lease?.revoke();
    } catch (error) {
      this.deps.log.info("lease was not given back; it will run out", { error });
    }
  }
}
