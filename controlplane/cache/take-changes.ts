import { type ObjectKey, parseStoreKey } from "../../kinds/object.js";
import { KINDS, type KindName } from "../../kinds/registry.js";
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
    const after = isPut ? readEntry(key, event.entry, log) : undefined;
    pushChange(changes, { view, key, after, revision: isPut ? event.entry.revision : event.revision });
  }
  view.revision = Math.max(view.revision, batch.revision);
  return { changes, revision: view.revision };
}

/**
 * Makes the view equal to a listing of everything and returns the differences as one batch at the listing's revision.
 * Entries of the revision that the view holds are not decoded again.
 */
export function takeListing(view: ObjectView, listing: Listing, log: Log): CacheBatch {
  const { revision } = listing;
  const changes: CacheChange[] = [];
  const present = new Set<string>();
  for (const entry of listing.entries) {
    const key = parseStoreKey(entry.key);
    if (key === undefined) continue;
    present.add(identify(key));
    if (view.cached(key.kind, key.namespace, key.name)?.revision === entry.revision) continue;
    pushChange(changes, { view, key, after: readEntry(key, entry, log), revision });
  }
  for (const key of keysOf(view)) {
    if (!present.has(identify(key))) pushChange(changes, { view, key, after: undefined, revision });
  }
  view.revision = revision;
  return { changes, revision };
}

/** A change of one object that the view has not seen; `revision` 0 says that the object is absent in the store. */
export interface Suspect {
  readonly id: string;
  readonly revision: number;
}

/**
 * Objects whose revisions in a listing and in the view disagree, unless the view is newer. Those that still stand in a listing made
 * later are changes that the watch lost; the others were merely on their way.
 */
export function suspectsOf(view: ObjectView, listing: Listing): readonly Suspect[] {
  const suspects: Suspect[] = [];
  const present = new Set<string>();
  for (const entry of listing.entries) {
    const key = parseStoreKey(entry.key);
    if (key === undefined) continue;
    const id = identify(key);
    present.add(id);
    const held = view.cached(key.kind, key.namespace, key.name)?.revision ?? 0;
    if (held < entry.revision) suspects.push({ id, revision: entry.revision });
  }
  for (const key of keysOf(view)) {
    const held = view.cached(key.kind, key.namespace, key.name)?.revision ?? 0;
    const id = identify(key);
    if (held <= listing.revision && !present.has(id)) suspects.push({ id, revision: 0 });
  }
  return suspects;
}

/** Suspects of both listings. */
export function standing(first: readonly Suspect[], second: readonly Suspect[]): readonly Suspect[] {
  const seen = new Map(first.map(({ id, revision }) => [id, revision]));
  return second.filter(({ id, revision }) => seen.get(id) === revision);
}

function pushChange(
  changes: CacheChange[],
  { view, key, after, revision }: { view: ObjectView; key: ObjectKey; after: Cached | undefined; revision: number },
): void {
  const before = view.replace(key, after);
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

function identify(key: ObjectKey): string {
  return `${key.kind}/${key.namespace}/${key.name}`;
}

function keysOf(view: ObjectView): readonly ObjectKey[] {
  // Every key of KINDS is a kind's name.
  const kinds = Object.keys(KINDS) as KindName[];
  return kinds.flatMap((kind) =>
    view.list(kind).map(({ object }) => ({
      kind,
      namespace: object.metadata?.namespace ?? "",
      name: object.metadata?.name ?? "",
    })),
  );
}
