import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { type WatchEvent, WatchEvent_Type, type WatchResponse } from "../../../proto/gen/tallship/v1/api.js";
import type { CacheChange, Cached } from "../../cache/view.js";
import { itemOf } from "../read.js";
import { type CompiledSelection, isSelected } from "../selection.js";
import type { PeerViews } from "./peer-views.js";

/** An event on its way to a watcher. The object's bytes are the cache's own until they are sent. */
interface Pending {
  readonly type: WatchEvent_Type;
  readonly object: Cached;
  readonly revision: number;
}

/** What a watch sends before any change: the objects that are there, or the changes that were missed. */
export interface WatchStart {
  readonly initial: readonly Cached[];
  readonly missed: readonly CacheChange[];
}

/** What a watcher knows beside what it selects. */
export interface WatcherSurroundings {
  /** Everything up to the revision that this returns was offered. */
  readonly offeredRevision: () => number;
  /** Objects are shown so; absent: as they are. */
  readonly views?: PeerViews;
}

/**
 * One watch: its selections and the events that it has not been sent yet. What was there at the start is held as references to the cache; changes after
 * it wait in a buffer of limits.watcherBufferEvents: a watcher that falls further behind is cut, whatever it costs it, so that it never
 * costs the server its memory.
 */
export class Watcher {
  readonly selections: readonly CompiledSelection[];
  private readonly start: Pending[];
  private changes: Pending[] = [];
  private head = 0;
  private readonly surroundings: WatcherSurroundings;
  /** Whether a message is due although nothing waits: the first one, and marks of progress. */
  private isMessageDue = true;
  private cut: TallshipError | undefined;
  private wake: (() => void) | undefined;

  constructor(selections: readonly CompiledSelection[], start: WatchStart, surroundings: WatcherSurroundings) {
    this.selections = selections;
    this.surroundings = surroundings;
    this.start = [
      ...start.initial.map((object) => ({
        type: WatchEvent_Type.PUT,
        object: this.shown(object),
        revision: object.revision,
      })),
      ...start.missed.flatMap((change) => this.eventOf(change) ?? []),
    ];
  }

  /** True once the watcher was cut: it is offered nothing more. */
  get isCut(): boolean {
    return this.cut !== undefined;
  }

  /** Takes a change that concerns one of the kinds watched. */
  offer(change: CacheChange): void {
    const event = this.eventOf(change);
    if (event === undefined || this.cut !== undefined) return;
    if (this.changes.length - this.head >= limit("watcherBufferEvents")) {
      const message = `watch: ${limit("watcherBufferEvents")} events wait and the watcher does not read them`;
      this.changes = [];
      this.start.length = 0;
      this.cut = new TallshipError("slow_watcher", message);
    } else this.changes.push(event);
    this.signal();
  }

  /** Tells the watcher how far it is although nothing concerned it, so that it may resume from there. */
  mark(): void {
    this.isMessageDue = true;
    this.signal();
  }

  /** The next message; undefined when the signal is aborted. Throws slow_watcher when the watcher was cut. */
  async next(signal: AbortSignal): Promise<Omit<WatchResponse, "clusterEpoch"> | undefined> {
    while (!signal.aborted) {
      if (this.cut !== undefined) throw this.cut;
      if (this.start.length > 0) return this.startMessage();
      if (this.isMessageDue || this.head < this.changes.length) return this.changeMessage();
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return undefined;
  }

  /** Wakes a reader that waits, to look at its signal. */
  signal(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }

  /** What was there at the start may be cut anywhere: only its last message says a revision that a watch can resume from. */
  private startMessage(): Omit<WatchResponse, "clusterEpoch"> {
    const taken = takeChunk(this.start, 0);
    this.start.splice(0, taken.length);
    return { events: taken.map(encode), revision: 0, isSynced: false };
  }

  private changeMessage(): Omit<WatchResponse, "clusterEpoch"> {
    const taken = takeChunk(this.changes, this.head);
    this.head += taken.length;
    const following = this.changes[this.head];
    if (following === undefined || this.head > 4_096) {
      this.changes = this.changes.slice(this.head);
      this.head = 0;
    }
    this.isMessageDue = false;
    // Changes of one revision may be cut in two: up to the revision before has been sent in full.
    const revision = following === undefined ? this.surroundings.offeredRevision() : following.revision - 1;
    return { events: taken.map(encode), revision, isSynced: true };
  }

  /** What a change means to this watcher: an object that leaves the selection is gone. */
  private eventOf({ before, after, revision }: CacheChange): Pending | undefined {
    const wasSeen = before !== undefined && this.sees(before);
    if (after !== undefined && this.sees(after)) {
      if (wasSeen && this.surroundings.views?.isSame(before, after) === true) return undefined;
      return { type: WatchEvent_Type.PUT, object: this.shown(after), revision };
    }
    return wasSeen ? { type: WatchEvent_Type.DELETE, object: this.shown(before), revision } : undefined;
  }

  private shown(cached: Cached): Cached {
    return this.surroundings.views?.of(cached) ?? cached;
  }

  private sees(cached: Cached): boolean {
    return this.selections.some((selection) => isSelected(selection, cached));
  }
}

function takeChunk(events: readonly Pending[], from: number): readonly Pending[] {
  let bytes = 0;
  let end = from;
  while (end < events.length && end - from < limit("watchEventsPerMessage")) {
    bytes += events[end]?.object.bytes.length ?? 0;
    if (bytes > limit("listChunkBytes") && end > from) break;
    end += 1;
  }
  return events.slice(from, end);
}

function encode({ type, object, revision }: Pending): WatchEvent {
  const { name = "", namespace = "" } = object.object.metadata ?? {};
  const item = itemOf(type === WatchEvent_Type.PUT ? object : { bytes: object.bytes, revision });
  return { type, name: { kind: object.kind, namespace, name }, item };
}
