import type { ObjectKey, Typed } from "../kinds/object.js";
import { isKindName } from "../kinds/registry.js";
import { backoffMs } from "../lib/backoff.js";
import type { Clock } from "../lib/clock.js";
import { asTallshipError, TallshipError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { systemRng } from "../lib/system-rng.js";
import { type WatchEvent, WatchEvent_Type, WatchRequest } from "../proto/gen/tallship/v1/api.js";
import type { Cluster } from "./cluster.js";
import { objectOf, type Query, selectionOf } from "./objects.js";

/** One change of an object that is watched. */
export type Change =
  | { readonly is: "put"; readonly typed: Typed }
  | { readonly is: "delete"; readonly key: ObjectKey; readonly last: Typed | undefined };

/** Changes that came together. `isSynced` from the moment that everything there was at the start has come. */
export interface Changes {
  readonly changes: readonly Change[];
  readonly isSynced: boolean;
  /** Everything up to this revision has come. */
  readonly revision: number;
}

/**
 * What matches now, then every change, until the signal aborts. A lost connection or lost history is taken up again: then what is there
 * comes once more, so callers keep objects by key. Failures that trying again cannot mend are thrown.
 */
export async function* watchObjects(
  cluster: Cluster,
  queries: readonly Query[],
  at: { readonly signal: AbortSignal; readonly clock: Clock },
): AsyncGenerator<Changes> {
  const position: Position = { afterRevision: 0, clusterEpoch: "", failedCount: 0 };
  while (!at.signal.aborted) {
    try {
      yield* watchOnce(cluster, queries, { position, signal: at.signal });
    } catch (error) {
      if (at.signal.aborted) return;
      const { code } = asTallshipError(error);
      if (!RETRIED.has(code) || position.failedCount >= MAX_FAILURES) throw error;
      if (code === "history_lost") position.afterRevision = 0;
    }
    if (at.signal.aborted) return;
    position.failedCount += 1;
    await pause(at, backoffMs(RETRY, position.failedCount, systemRng));
  }
}

/** Waits, or returns at once when the signal aborts. */
async function pause(at: { readonly signal: AbortSignal; readonly clock: Clock }, delayMs: number): Promise<void> {
  try {
    await at.clock.sleep(delayMs, at.signal);
  } catch (error) {
    if (!at.signal.aborted) throw error;
  }
}

/** How far a watch has come. */
interface Position {
  afterRevision: number;
  clusterEpoch: string;
  failedCount: number;
}

/** One stream, until it ends or breaks. */
async function* watchOnce(
  cluster: Cluster,
  queries: readonly Query[],
  { position, signal }: { readonly position: Position; readonly signal: AbortSignal },
): AsyncGenerator<Changes> {
  const { afterRevision, clusterEpoch } = position;
  const request = WatchRequest.fromPartial({ selections: queries.map(selectionOf), afterRevision, clusterEpoch });
  let isSynced = afterRevision > 0;
  for await (const message of cluster.objects.watch(request, { signal })) {
    position.failedCount = 0;
    position.clusterEpoch = message.clusterEpoch || position.clusterEpoch;
    isSynced ||= message.isSynced;
    // Before all that was there has come, there is no revision to go on from.
    if (isSynced) position.afterRevision = message.revision;
    yield { changes: message.events.flatMap(changeOf), isSynced, revision: message.revision };
  }
}

const RETRIED: ReadonlySet<string> = new Set([
  "unavailable",
  "slow_watcher",
  "history_lost",
  "too_new",
  "store_unavailable",
]);
/** Half a minute of silence is a failure that the user must know of. */
const MAX_FAILURES = 8;
const RETRY = { firstMs: LIMITS.reconnectFirstMs.value, maxMs: LIMITS.reconnectMaxMs.value };

function changeOf(event: WatchEvent): readonly Change[] {
  const last = event.item === undefined || event.item.object.length === 0 ? undefined : objectOf(event.item);
  if (event.type === WatchEvent_Type.PUT) return last === undefined ? [] : [{ is: "put", typed: last }];
  const { kind = "", namespace = "", name = "" } = event.name ?? {};
  if (!isKindName(kind)) throw new TallshipError("internal", `watch: the server sent kind "${kind}"`);
  return [{ is: "delete", key: { kind, namespace, name }, last }];
}
