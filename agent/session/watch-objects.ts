import { decodeObject, type Typed } from "../../kinds/object.js";
import { backoffMs } from "../../lib/backoff.js";
import type { Clock } from "../../lib/clock.js";
import { assert, asTallshipError, hasCode } from "../../lib/errors.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import {
  ObjectsDefinition,
  type Selection,
  type WatchEvent,
  WatchEvent_Type,
  type WatchResponse,
} from "../../proto/gen/tallship/v1/api.js";
import type { AddressBook } from "./address-book.js";

/** One change: the object as it stands, or undefined when it is gone or no longer selected. Keys are Kind/namespace/name. */
export interface ObjectChange {
  readonly key: string;
  readonly typed: Typed | undefined;
}

/** What a watch tells: changes up to a revision, the first time all that there is. `isWhole`: everything not named is gone. */
export interface WatchUpdate {
  readonly changes: readonly ObjectChange[];
  readonly revision: number;
  readonly isWhole: boolean;
}

/** What a watch needs. */
export interface WatchParts {
  readonly book: AddressBook;
  readonly selections: readonly Selection[];
  /** Called in order; never concurrently. */
  readonly onUpdate: (update: WatchUpdate) => void;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

const RETRY = { firstMs: 50, maxMs: 2_000 };

interface Position {
  revision: number;
  epoch: string;
}

/**
 * Watches objects for ever: resumes where it was after a break, starts over when the history is lost. Changes before the first whole picture are held back until it is
 * complete, so that nobody acts on a part of the world. Ends when the signal aborts.
 */
export async function watchObjects(parts: WatchParts, signal: AbortSignal): Promise<void> {
  const { book, clock, rng, log } = parts;
  const position: Position = { revision: 0, epoch: "" };
  let attempt = 0;
  while (!signal.aborted) {
    const address = book.current;
    const before = position.revision;
    try {
      await follow(parts, position, address, signal);
    } catch (caught) {
      const error = asTallshipError(caught, "unavailable");
      if (signal.aborted) return;
      if (hasCode(error, "history_lost") || hasCode(error, "slow_watcher")) position.revision = 0;
      else book.failed(address);
      log.info("watch broke off", { address, code: error.code, error: error.message });
    }
    if (position.revision !== before) attempt = 0;
    await clock.sleep(backoffMs(book.waits(RETRY), attempt, rng), signal).catch(() => undefined);
    attempt += 1;
  }
}

async function follow(parts: WatchParts, position: Position, address: string, signal: AbortSignal): Promise<void> {
  const client = parts.book.channel(address).client(ObjectsDefinition);
  const request = { selections: parts.selections, afterRevision: position.revision, clusterEpoch: position.epoch };
  let initial: ObjectChange[] | undefined = position.revision === 0 ? [] : undefined;
  for await (const response of client.watch(request, { signal })) {
    if (response.clusterEpoch !== "") position.epoch = response.clusterEpoch;
    const changes = response.events.map(changeOf);
    if (initial !== undefined) {
      initial.push(...changes);
      if (!response.isSynced) continue;
      deliver(parts, position, response, { changes: initial, isWhole: true });
      initial = undefined;
    } else deliver(parts, position, response, { changes, isWhole: false });
  }
}

function deliver(
  parts: WatchParts,
  position: Position,
  { revision }: WatchResponse,
  { changes, isWhole }: { readonly changes: readonly ObjectChange[]; readonly isWhole: boolean },
): void {
  position.revision = Math.max(position.revision, revision);
  parts.onUpdate({ changes, revision: position.revision, isWhole });
}

function changeOf({ type, name, item }: WatchEvent): ObjectChange {
  assert(name !== undefined, "a watch event names its object");
  const key = `${name.kind}/${name.namespace}/${name.name}`;
  if (type !== WatchEvent_Type.PUT || item === undefined) return { key, typed: undefined };
  return { key, typed: decodeObject(item.object) };
}
