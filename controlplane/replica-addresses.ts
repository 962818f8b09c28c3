import type { Clock } from "../lib/clock.js";
import { limit } from "../lib/limits.js";
import { listReplicas } from "./store/replicas.js";
import type { Store } from "./store/store.js";

/**
 * API addresses of the control planes that live, this one always among them, in order. Read from the store at most once per limits.replicaListMs, however many
 * ask; while the store is away, the last answer holds.
 */
export function replicaAddresses(store: Store, clock: Clock, own: string): () => Promise<readonly string[]> {
  let known: readonly string[] = [own];
  let readAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  const read = async (): Promise<void> => {
    const replicas = await listReplicas(store);
    known = [...new Set([own, ...replicas.map(({ address }) => address)])].sort();
    readAtMs = clock.monotonicMs();
  };
  return async () => {
    if (clock.monotonicMs() - readAtMs < limit("replicaListMs")) return known;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    await reading.catch(() => undefined);
    return known;
  };
}
