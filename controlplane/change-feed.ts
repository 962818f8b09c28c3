import type { KindName } from "../kinds/registry.js";
import { limit } from "../lib/limits.js";
import type { CacheChange, View, WatchCache } from "./cache/view.js";

/** How a feed tells its reader. */
export interface FeedReader {
  /** There is something to read. */
  onMore(): void;
  /** The reader is limits.leaderBacklogChanges behind, and gets nothing more: it must begin anew. */
  onBehind(): void;
}

/**
 * Every object of some kinds as if it had just appeared, then every change of the cache, in order; at the reader's pace. Changes that come
 * before the objects were all read wait behind them.
 */
export class ChangeFeed {
  private readonly view: View;
  private readonly kinds: readonly KindName[];
  private survey: Iterator<CacheChange, undefined> | undefined;
  private inbox: CacheChange[] = [];
  private head = 0;

  constructor(view: View, kinds: readonly KindName[]) {
    this.view = view;
    this.kinds = kinds;
  }

  /** Follows the cache. Returns how to stop, which also forgets what was not read. */
  follow(cache: WatchCache, reader: FeedReader): () => void {
    this.restart();
    const kinds: ReadonlySet<KindName> = new Set(this.kinds);
    const stop = cache.subscribe(({ changes }) => {
      for (const change of changes) if (kinds.has(change.key.kind)) this.inbox.push(change);
      if (this.inbox.length - this.head <= limit("leaderBacklogChanges")) reader.onMore();
      else {
        halt();
        reader.onBehind();
      }
    });
    const halt = (): void => {
      stop();
      this.survey = undefined;
      this.inbox = [];
      this.head = 0;
    };
    return halt;
  }

  /** Shows every object once more. */
  restart(): void {
    this.survey = this.everything();
  }

  /** The next change; undefined when all have been read. */
  next(): CacheChange | undefined {
    const surveyed = this.survey?.next();
    if (surveyed?.value !== undefined) return surveyed.value;
    this.survey = undefined;
    const change = this.inbox[this.head];
    this.head += 1;
    if (change !== undefined) return change;
    this.inbox = [];
    this.head = 0;
    return undefined;
  }

  /** True while objects are read that stood there before. */
  get isSurveying(): boolean {
    return this.survey !== undefined;
  }

  private *everything(): Generator<CacheChange, undefined> {
    for (const kind of this.kinds)
      for (const after of this.view.list(kind)) {
        const { namespace = "", name = "" } = after.object.metadata ?? {};
        yield { key: { kind, namespace, name }, before: undefined, after, revision: after.revision };
      }
    return undefined;
  }
}
