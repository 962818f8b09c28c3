import { backoffMs } from "../../lib/backoff.js";
import type { Clock } from "../../lib/clock.js";
import { hasCode } from "../../lib/errors.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import type { Entry, Store, StoreEvent } from "./store.js";

/** What following and holding keys needs. */
export interface FollowDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

const retry = { firstMs: 50, maxMs: 1_000 };

/**
 * The key's entry now and after each change, undefined while it is absent. Values may be skipped, the latest never is.
 * Survives lost history and a store that is away; ends when the signal aborts.
 */
export async function* followKey(
  deps: FollowDeps,
  key: string,
  signal: AbortSignal,
): AsyncGenerator<Entry | undefined, void, undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      for await (const entry of followOnce(deps.store, key, signal)) {
        attempt = 0;
        yield entry;
      }
    } catch (error) {
      if (signal.aborted) return;
      deps.log.warn("key cannot be followed; trying again", { key, error });
      if (!hasCode(error, "history_lost")) await pause(deps, attempt, signal);
    }
  }
}

async function* followOnce(store: Store, key: string, signal: AbortSignal): AsyncGenerator<Entry | undefined> {
  const { entries, revision } = await store.list(key);
  yield entries.find((entry) => entry.key === key);
  for await (const { events } of store.watch({ prefixes: [key], afterRevision: revision, signal })) {
    const last = events.findLast((event) => keyOfEvent(event) === key);
    if (last !== undefined) yield last.type === "put" ? last.entry : undefined;
  }
}

/** The key that an event is about. */
export function keyOfEvent(event: StoreEvent): string {
  return event.type === "put" ? event.entry.key : event.key;
}

/** Waits out a failed try; returns early when the signal aborts. */
export async function pause(
  deps: Pick<FollowDeps, "clock" | "rng">,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await deps.clock.sleep(backoffMs(retry, attempt, deps.rng), signal);
  } catch (error) {
    if (!hasCode(error, "cancelled")) throw error;
  }
}
