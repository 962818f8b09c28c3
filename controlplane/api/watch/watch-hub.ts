import type { KindName } from "../../../kinds/registry.js";
import type { Clock } from "../../../lib/clock.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { CacheBatch, CacheChange, Cached, WatchCache } from "../../cache/view.js";
import type { CompiledSelection } from "../selection.js";
import { typedOf } from "../write/reads.js";
import { PeerViews } from "./peer-views.js";
import { SharedMessages } from "./shared-messages.js";
import { type Pending, Viewpoint } from "./viewpoint.js";
import { peerGatherMs, Wakes } from "./wakes.js";
import { Watcher, type WatchStart } from "./watcher.js";

/** The watchers of one kind: those of pods of one node by its name, for there is one such per node and each change concerns few. */
interface Audience {
  readonly all: Set<Watcher>;
  readonly byNode: Map<string, Set<Watcher>>;
}

/** A viewpoint, and how many watchers share it. */
interface SharedViewpoint {
  readonly viewpoint: Viewpoint;
  userCount: number;
}

/**
 * Hands each change of the cache to the watchers that it may concern, synchronously and in order: a watcher sees every change after its start exactly once.
 */
export class WatchHub {
  private readonly audiences = new Map<KindName, Audience>();
  private readonly watchers = new Map<Watcher, string>();
  private readonly viewpoints = new Map<string, SharedViewpoint>();
  private readonly cache: WatchCache;
  private readonly onCut: () => void;
  private readonly peerViews = new PeerViews();
  private readonly messages = new SharedMessages();
  private readonly wakes: Wakes<Watcher>;
  private marking: Iterator<Watcher>;
  /** Changes times watchers since the last mark. */
  private unmarked = 0;

  constructor(cache: WatchCache, clock: Clock, onCut: () => void = () => undefined) {
    this.cache = cache;
    this.onCut = onCut;
    this.wakes = new Wakes(clock);
    this.marking = this.watchers.keys();
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
    const key = JSON.stringify([isOfNode, selections]);
    const shared = this.viewpoints.get(key) ?? {
      viewpoint: new Viewpoint(selections, isOfNode ? this.peerViews : undefined),
      userCount: 0,
    };
    shared.userCount += 1;
    this.viewpoints.set(key, shared);
    const watcher = new Watcher(shared.viewpoint, start, {
      offeredRevision: () => this.cache.view.revision,
      messages: this.messages,
    });
    this.watchers.set(watcher, key);
    for (const selection of selections) this.placeOf(selection).add(watcher);
    return watcher;
  }

  /** Forgets a watch. Twice is once. */
  close(watcher: Watcher): void {
    this.forgetViewpoint(this.watchers.get(watcher));
    this.watchers.delete(watcher);
    this.wakes.forget(watcher);
    for (const selection of watcher.viewpoint.selections) {
      const place = this.placeOf(selection);
      place.delete(watcher);
      if (selection.nodeName !== undefined && place.size === 0)
        this.audienceOf(selection.kind).byNode.delete(selection.nodeName);
    }
  }

  private forgetViewpoint(key: string | undefined): void {
    const shared = key === undefined ? undefined : this.viewpoints.get(key);
    if (key === undefined || shared === undefined) return;
    shared.userCount -= 1;
    if (shared.userCount === 0) this.viewpoints.delete(key);
  }

  private deliver({ changes }: CacheBatch): void {
    const due = new Set<Watcher>();
    const peers = new Set<Watcher>();
    for (const change of changes) {
      const meanings = new Map<Viewpoint, Pending | undefined>();
      for (const watcher of this.concernedBy(change)) {
        const { viewpoint } = watcher;
        const event = meanings.has(viewpoint) ? meanings.get(viewpoint) : viewpoint.eventOf(change);
        meanings.set(viewpoint, event);
        if (event === undefined) continue;
        watcher.offer(event);
        if (watcher.isCut) this.cut(watcher);
        else if (change.key.kind === "Node" && viewpoint.isOfNode) peers.add(watcher);
        else due.add(watcher);
      }
    }
    this.wakes.wake(due);
    if (peers.size > 0) this.wakes.gather(peers, peerGatherMs(peers.size));
    this.markSome(changes.length);
  }

  private cut(watcher: Watcher): void {
    if (!this.watchers.has(watcher)) return;
    this.close(watcher);
    watcher.signal();
    this.onCut();
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
    this.marking = this.watchers.keys();
    return this.marking.next().value;
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
export function nodeOf(cached: Cached | undefined): string {
  const typed = cached?.kind === "Pod" ? typedOf(cached) : undefined;
  return typed?.kind === "Pod" ? (typed.object.spec?.nodeName ?? "") : "";
}
