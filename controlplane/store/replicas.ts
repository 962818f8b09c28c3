import { limit } from "../../lib/limits.js";
import { ReplicaRecord } from "../../proto/gen/tallship/v1/record.js";
import { type FollowDeps, followKey, pause } from "./follow-key.js";
import { META } from "./keys.js";
import type { Lease, Store } from "./store.js";

/** Every control plane that lives, in order of id. */
export async function listReplicas(store: Store): Promise<readonly ReplicaRecord[]> {
  const { entries } = await store.list(META.replicas);
  return entries.map((entry) => ReplicaRecord.decode(entry.value));
}

/**
 * Keeps this replica's record in the store until the signal aborts, then removes it. Writes it anew whenever it is gone,
 * also when etcd revoked its lease wrongly. Resolves when the record was given back, or the try to do so failed.
 */
export async function announceReplica(deps: FollowDeps, record: ReplicaRecord, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    let lease: Lease | undefined;
    try {
      lease = await deps.store.lease(limit("replicaLeaseMs"));
      await hold(deps, record, lease, signal);
      attempt = 0;
    } catch (error) {
      deps.log.warn("replica cannot be announced; trying again", { error });
    }
    await lease
      ?.revoke()
      .catch((error: unknown) => deps.log.info("lease was not given back; it will run out", { error }));
    if (!signal.aborted) await pause(deps, attempt, signal);
  }
}

async function hold(deps: FollowDeps, record: ReplicaRecord, lease: Lease, signal: AbortSignal): Promise<void> {
  const key = `${META.replicas}${record.id}`;
  const value = ReplicaRecord.encode(record).finish();
  const result = await deps.store.transact({ checks: [], writes: [{ op: "put", key, value, leaseId: lease.id }] });
  const revision = result.is === "committed" ? result.revision : 0;
  for await (const entry of followKey(deps, key, AbortSignal.any([signal, lease.lost])))
    if (entry?.revision !== revision) return;
}
