import { type ObjectKey, parseStoreKey } from "../../kinds/object.js";
import type { Log } from "../../lib/log.js";
import type { Entry, Listing, StoreBatch } from "../store/store.js";
import { cachedOf } from "./cached.js";
import type { ObjectView } from "./object-view.js";
import type { CacheBatch, CacheChange, Cached } from "./view.js";

/** Writes a batch of the store into the view and returns the changes that it made. Keys that are no objects' are passed over. */
export function takeBatch(view: ObjectView, batch: StoreBatch, log: Log): CacheBatch {
  const changes: CacheChange[] = [];
  for (const event of batch.events) {
    const isPut = event.type === "put";
    const key = parseStoreKey(isPut ? event.entry.key : event.key);
    if (key === undefined) continue;
    const revision = isPut ? event.entry.revision : event.revision;
    pushChange(changes, { view, key, revision, entry: isPut ? event.entry : undefined }, log);
  }
  view.revision = Math.max(view.revision, batch.revision);
  return { changes, revision: view.revision };
}

/**
 * Makes the view equal to a listing of everything and returns the differences as one batch at the listing's revision.
 * Entries of the revision that the view holds are not decoded again.
 */
export function takeListing(view: ObjectView, listing: Listing, log: Log): CacheBatch {
  const { entries, revision } = listing;
  const changes: CacheChange[] = [];
  const absent = absentFrom(view, listing);
  for (const entry of entries) {
    if (view.revisionAt(entry.key) === entry.revision) continue;
    const key = parseStoreKey(entry.key);
    if (key !== undefined) pushChange(changes, { view, key, entry, revision }, log);
  }
  for (const name of absent) {
    const key = parseStoreKey(name);
    if (key !== undefined) pushChange(changes, { view, key, entry: undefined, revision }, log);
  }
  view.revision = revision;
  return { changes, revision };
}

/** A change of one object that the view has not seen: its store key, and its revision in the store, 0 when it is absent there. */
export interface Suspect {
  readonly key: string;
  readonly revision: number;
}

/**
 * Objects whose revisions in a listing and in the view disagree, unless the view is newer. Those that still stand in a listing made
 * later are changes that the watch lost; the others were merely on their way.
 */
export function suspectsOf(view: ObjectView, listing: Listing): readonly Suspect[] {
  const newer = listing.entries
    .filter(({ key, revision }) => view.revisionAt(key) < revision)
    .filter(({ key }) => parseStoreKey(key) !== undefined)
    .map(({ key, revision }) => ({ key, revision }));
  const gone = absentFrom(view, listing)
    .filter((key) => view.revisionAt(key) <= listing.revision)
    .map((key) => ({ key, revision: 0 }));
  return [...newer, ...gone];
}

/** Store keys of the view's objects that a listing lacks. When all are there, counting them tells it. */
function absentFrom(view: ObjectView, { entries }: Listing): readonly string[] {
  let found = 0;
  for (const { key } of entries) if (view.revisionAt(key) > 0) found += 1;
  if (found === view.size) return [];
  const present = new Set(entries.map(({ key }) => key));
  return [...view.storeKeys()].filter((key) => !present.has(key));
}

/** Suspects of both listings. */
export function standing(first: readonly Suspect[], second: readonly Suspect[]): readonly Suspect[] {
  const seen = new Map(first.map(({ key, revision }) => [key, revision]));
  return second.filter(({ key, revision }) => seen.get(key) === revision);
}

interface Taken {
  readonly view: ObjectView;
  readonly key: ObjectKey;
  /** Undefined: it was deleted. */
  readonly entry: Entry | undefined;
  readonly revision: number;
}

function pushChange(changes: CacheChange[], { view, key, entry, revision }: Taken, log: Log): void {
  const after = entry && readEntry(key, entry, log);
  const isUnreadable = entry !== undefined && after === undefined;
  const before = isUnreadable ? view.passOver(key, entry.revision) : view.replace(key, after);
  if (before !== undefined || after !== undefined) changes.push({ key, before, after, revision });
}

/** The object, or undefined when its bytes cannot be read: it is as if absent, and the log says so. */
function readEntry(key: ObjectKey, entry: Entry, log: Log): Cached | undefined {
  try {
    const cached = cachedOf(entry);
    if (cached.kind === key.kind) return cached;
    log.error("stored object is of another kind than its key; passed over", { key: entry.key, kind: cached.kind });
  } catch (error) {
    log.error("stored object cannot be read; passed over", { key: entry.key, revision: entry.revision, error });
  }
  return undefined;
}
