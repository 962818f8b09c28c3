import type { Clock } from "../../lib/clock.js";
import type { Rng } from "../../lib/rng.js";
import { EpochRecord } from "../../proto/gen/tallship/v1/record.js";
import { META } from "./keys.js";
import type { Store } from "./store.js";

/** The cluster's epoch. The first caller creates it; every later one, and every replica, gets the same. */
export async function ensureEpoch(store: Store, clock: Clock, rng: Rng): Promise<string> {
  for (;;) {
    const entry = await store.get(META.epoch);
    if (entry !== undefined) return EpochRecord.decode(entry.value).epoch;
    const record = EpochRecord.fromPartial({ epoch: rng.uuid(), startedAtMs: clock.nowMs() });
    // Whoever loses the race reads what the winner wrote.
    await store.transact({
      checks: [{ key: META.epoch, revision: 0 }],
      writes: [{ op: "put", key: META.epoch, value: EpochRecord.encode(record).finish() }],
    });
  }
}
