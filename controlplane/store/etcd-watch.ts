import { Duplex } from "node:stream";
import type { IWatchResponse } from "etcd3";
import { backoffMs } from "../../lib/backoff.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import type { EtcdConnection } from "./etcd-connection.js";
import { storeError } from "./etcd-errors.js";
import { prefixEnd } from "./keys.js";
import type { StoreBatch } from "./store.js";
import { WatchPosition } from "./watch-position.js";

/** What to watch, and until when. */
export interface WatchOptions {
  readonly prefixes: readonly string[];
  readonly afterRevision: number;
  readonly signal: AbortSignal;
}

/**
 * Watches one range that spans all prefixes, so that etcd itself keeps their changes in order and each revision whole. Connects again as
 * often as needed, from the position. The consumer's pace is the stream's: what is not taken waits in etcd.
 */
export async function* watchRange(
  connection: EtcdConnection,
  options: WatchOptions,
  { rng, log }: { readonly rng: Rng; readonly log: Log },
): AsyncGenerator<StoreBatch, void, undefined> {
  const { signal } = options;
  const position = new WatchPosition(options.prefixes, options.afterRevision);
  const retry = { firstMs: limit("storeReconnectFirstMs"), maxMs: limit("storeReconnectMaxMs") };
  let failures = 0;
  while (!signal.aborted) {
    try {
      for await (const batch of streamOnce(connection, position, options)) {
        failures = 0;
        yield batch;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (connection.closed.aborted) throw new TallshipError("store_unavailable", "watch: the store is closed");
      if (hasCode(error, "history_lost")) throw error;
      log.info("watch of etcd broke; connecting again", { revision: position.revision, error });
    }
    await connection.clock
      .sleep(backoffMs(retry, failures, rng), AbortSignal.any([signal, connection.closed]))
      .catch(ended);
    failures += 1;
  }
}

// Whoever waits looks at the signals itself.
function ended(error: unknown): void {
  if (!hasCode(error, "cancelled")) throw error;
}

async function* streamOnce(
  connection: EtcdConnection,
  position: WatchPosition,
  { prefixes, signal }: WatchOptions,
): AsyncGenerator<StoreBatch, void, undefined> {
  position.restart();
  const endpoint = connection.endpoint();
  const stream = await endpoint.client.watch.watch();
  // etcd3 hands out grpc-js' own stream, whose pace a plain "data" listener could not hold back.
  if (!(stream instanceof Duplex)) throw new TallshipError("internal", "watch: etcd3 returned no stream");
  const stop = AbortSignal.any([signal, endpoint.abandoned, connection.closed]);
  const cancel = (): void => stream.cancel();
  const cancelOpening = connection.clock.after(limit("storeDeadlineMs"), cancel);
  if (stop.aborted) cancel();
  else stop.addEventListener("abort", cancel, { once: true });
  try {
    const create = {
      key: Buffer.from([...prefixes].sort()[0] ?? ""),
      range_end: Buffer.from(prefixes.map(prefixEnd).sort().at(-1) ?? ""),
      start_revision: position.revision + 1,
      progress_notify: true,
      fragment: true,
    };
    stream.write({ create_request: create });
    for await (const message of stream) {
      cancelOpening();
      const response: IWatchResponse = message;
      const batch = position.take(response);
      if (batch !== undefined) yield batch;
    }
    throw new TallshipError("store_unavailable", "watch: etcd closed the stream");
  } catch (failure) {
    throw storeError("watch", failure);
  } finally {
    cancelOpening();
    stop.removeEventListener("abort", cancel);
    cancel();
  }
}
