import { type ObjectKey, parseStoreKey, storeKey, type Typed } from "../../../kinds/object.js";
import { cachedOf } from "../../cache/cached.js";
import type { Cached, View } from "../../cache/view.js";
import type { Entry, Store } from "../../store/store.js";
import { TallyBook } from "./tally-book.js";

/** The world as a decision sees it: the cache, and over it what was read from the store because the cache was in doubt. */
export interface Reads {
  /** The cache, for what is only looked up and never decided on by its revision. */
  readonly view: View;
  /** The object as it stands; undefined when there is none. */
  standing(key: ObjectKey): Cached | undefined;
  /** True when the key, or all below it when it ends in "/", was read from the store. */
  isFresh(key: string): boolean;
  /** A record beside the objects, such as a taken address or a content; undefined when absent or never read: its check will tell. */
  record(key: string): Entry | undefined;
  /** What this request's tasks add to records that they share. */
  readonly tallies: TallyBook;
}

/** Reads of one request: starts from the cache and reads afresh what a failed check or a refusal put in doubt. */
export class FreshReads implements Reads {
  readonly view: View;
  readonly tallies = new TallyBook();
  private readonly store: Store;
  private readonly objects = new Map<string, Cached | undefined>();
  private readonly records = new Map<string, Entry | undefined>();
  private readonly fresh = new Set<string>();

  constructor(view: View, store: Store) {
    this.view = view;
    this.store = store;
  }

  standing(key: ObjectKey): Cached | undefined {
    const text = storeKey(key);
    return this.objects.has(text) ? this.objects.get(text) : this.view.cached(key.kind, key.namespace, key.name);
  }

  isFresh(key: string): boolean {
    return this.fresh.has(key);
  }

  record(key: string): Entry | undefined {
    return this.records.get(key);
  }

  /** Reads keys, or all records below one that ends in "/", from the store; later decisions see what stands there now. */
  async refresh(keys: Iterable<string>): Promise<void> {
    await Promise.all(
      Array.from(new Set(keys), (key) => (key.endsWith("/") ? this.readRange(key) : this.readKey(key))),
    );
  }

  /** Lets the cache have the last word on keys that it shows as the store does by now. */
  forget(keys: Iterable<string>): void {
    for (const key of keys) {
      this.objects.delete(key);
      this.fresh.delete(key);
    }
  }

  /** Takes in an object that this request has just written itself: nothing newer is known. */
  took(key: string, value: Uint8Array, revision: number): void {
    this.objects.set(key, cachedOf({ value, revision }));
    this.fresh.add(key);
  }

  private async readKey(key: string): Promise<void> {
    const entry = await this.store.get(key);
    if (parseStoreKey(key) === undefined) this.records.set(key, entry);
    else this.objects.set(key, entry === undefined ? undefined : cachedOf(entry));
    this.fresh.add(key);
  }

  private async readRange(prefix: string): Promise<void> {
    const { entries } = await this.store.list(prefix);
    for (const entry of entries) this.records.set(entry.key, entry);
    this.fresh.add(prefix);
  }
}

/** A cached object with its kind, as decisions take it. */
export function typedOf({ kind, object }: Cached): Typed {
  // A cached object is of the kind that it is cached under; TypeScript cannot see that the pair stays together.
  return { kind, object } as Typed;
}
