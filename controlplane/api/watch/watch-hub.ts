import type { KindName } from "../../../kinds/registry.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { CacheBatch, CacheChange, Cached, WatchCache } from "../../cache/view.js";
import type { CompiledSelection } from "../selection.js";
import { typedOf } from "../write/reads.js";
import { PeerViews } from "./peer-views.js";
import { Watcher, type WatchStart } from "./watcher.js";

/** The watchers of one kind: those of pods of one node by its name, for there is one such per node and each change concerns few. */
interface Audience {
  readonly all: Set<Watcher>;
  readonly byNode: Map<string, Set<Watcher>>;
}

/**
 * Hands each change of the cache to the watchers that it may concern, synchronously and in order: a watcher sees every change after its start exactly once.
 */
export class WatchHub {
  private readonly audiences = new Map<KindName, Audience>();
  private readonly watchers = new Set<Watcher>();
  private readonly cache: WatchCache;
  private readonly onCut: () => void;
  private readonly peerViews = new PeerViews();
  private marking: Iterator<Watcher>;
  /** Changes times watchers since the last mark. */
  private unmarked = 0;

  constructor(cache: WatchCache, onCut: () => void = () => undefined) {
    this.cache = cache;
    this.onCut = onCut;
    this.marking = this.watchers.values();
    cache.subscribe((batch) => this.deliver(batch));
  }

  /** Watches that are open. */
  get size(): number {
    return this.watchers.size;
  }

  /** Opens a watch that starts at what the cache holds now; to be called in the same turn in which `start` was read. `isOfNode`: it is told of nodes what nodes are told of each other. */
  open(selections: readonly CompiledSelection[], start: WatchStart, isOfNode = false): Watcher {
    if (this.watchers.size >= limit("watchersPerReplica"))
      throw new TallshipError("resource_exhausted", `watch: ${this.watchers.size} watches are open, no more are taken`);
    const watcher = new Watcher(selections, start, {
      offeredRevision: () => this.cache.view.revision,
      ...(isOfNode && { views: this.peerViews }),
    });
    this.watchers.add(watcher);
    for (const selection of selections) this.placeOf(selection).add(watcher);
    return watcher;
  }

  /** Forgets a watch. Twice is once. */
  close(watcher: Watcher): void {
    this.watchers.delete(watcher);
    for (const selection of watcher.selections) {
      const place = this.placeOf(selection);
      place.delete(watcher);
      if (selection.nodeName !== undefined && place.size === 0)
        this.audienceOf(selection.kind).byNode.delete(selection.nodeName);
    }
  }

  private deliver({ changes }: CacheBatch): void {
    for (const change of changes) for (const watcher of this.concernedBy(change)) this.offer(watcher, change);
    this.markSome(changes.length);
  }

  /**
   * A watch that sees nothing for long could not resume: the history would have moved past it. Each is marked once while a quarter of the history passes; one after the other, since of many
   * nodes the watches are so many that all of them at once would have the thread to themselves.
   */
  private markSome(changeCount: number): void {
    const quarter = limit("watchHistoryEvents") / 4;
    this.unmarked += this.watchers.size * Math.min(changeCount, quarter);
    for (; this.unmarked >= quarter; this.unmarked -= quarter) this.nextToMark()?.mark();
  }

  private nextToMark(): Watcher | undefined {
    const next = this.marking.next();
    if (next.done !== true) return next.value;
    this.marking = this.watchers.values();
    return this.marking.next().value;
  }

  private offer(watcher: Watcher, change: CacheChange): void {
    watcher.offer(change);
    if (!watcher.isCut || !this.watchers.has(watcher)) return;
    this.close(watcher);
    this.onCut();
  }

  private concernedBy({ key, before, after }: CacheChange): Iterable<Watcher> {
    const audience = this.audiences.get(key.kind);
    if (audience === undefined) return [];
    if (audience.byNode.size === 0) return audience.all;
    const nodes = new Set([nodeOf(before), nodeOf(after)]);
    return new Set([...audience.all, ...Array.from(nodes, (node) => [...(audience.byNode.get(node) ?? [])]).flat()]);
  }

  private audienceOf(kind: KindName): Audience {
    const audience = this.audiences.get(kind) ?? { all: new Set(), byNode: new Map() };
    this.audiences.set(kind, audience);
    return audience;
  }

  private placeOf({ kind, nodeName }: CompiledSelection): Set<Watcher> {
    const { all, byNode } = this.audienceOf(kind);
    if (nodeName === undefined) return all;
    const place = byNode.get(nodeName) ?? new Set();
    byNode.set(nodeName, place);
    return place;
  }
}

/** The node of a pod; empty for one that is not bound, and for what is no pod. */
function nodeOf(cached: Cached | undefined): string {
  const typed = cached?.kind === "Pod" ? typedOf(cached) : undefined;
  return typed?.kind === "Pod" ? (typed.object.spec?.nodeName ?? "") : "";
}
