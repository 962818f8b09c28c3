import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { WatchResponse } from "../../../proto/gen/tallship/v1/api.js";
import type { CacheChange, Cached } from "../../cache/view.js";
import type { SharedMessages } from "./shared-messages.js";
import type { Pending, Viewpoint } from "./viewpoint.js";

/** What a watch sends before any change: the objects that are there, or the changes that were missed. */
export interface WatchStart {
  readonly initial: readonly Cached[];
  readonly missed: readonly CacheChange[];
}

/** What a watcher knows beside what it sees. */
export interface WatcherSurroundings {
  /** Everything up to the revision that this returns was offered. */
  readonly offeredRevision: () => number;
  readonly messages: SharedMessages;
}

/**
 * One watch: the events that it has not been sent yet. What was there at the start is held as references to the cache; changes after
 * it wait in a buffer of limits.watcherBufferEvents: a watcher that falls further behind is cut, whatever it costs it, so that it never
 * costs the server its memory.
 */
export class Watcher {
  readonly viewpoint: Viewpoint;
  private readonly start: Pending[];
  private changes: Pending[] = [];
  private head = 0;
  private readonly surroundings: WatcherSurroundings;
  /** Whether a message is due although nothing waits: the first one, and marks of progress. */
  private isMessageDue = true;
  private cut: TallshipError | undefined;
  private wake: (() => void) | undefined;

  constructor(viewpoint: Viewpoint, start: WatchStart, surroundings: WatcherSurroundings) {
    this.viewpoint = viewpoint;
    this.surroundings = surroundings;
    this.start = start.initial.map((object) => viewpoint.standing(object));
    for (const change of start.missed) {
      const event = viewpoint.eventOf(change);
      if (event !== undefined) this.start.push(event);
    }
  }

  /** True once the watcher was cut: it is offered nothing more. */
  get isCut(): boolean {
    return this.cut !== undefined;
  }

  /** Takes what a change means from the watcher's viewpoint. Who offers it sees to it that the reader is woken. */
  offer(event: Pending): void {
    if (this.cut !== undefined) return;
    if (this.changes.length - this.head < limit("watcherBufferEvents")) {
      this.changes.push(event);
      return;
    }
    const message = `watch: ${limit("watcherBufferEvents")} events wait and the watcher does not read them`;
    this.changes = [];
    this.start.length = 0;
    this.cut = new TallshipError("slow_watcher", message);
  }

  /** Tells the watcher how far it is although nothing concerned it, so that it may resume from there. */
  mark(): void {
    this.isMessageDue = true;
    this.signal();
  }

  /** The next message, without the cluster's epoch; undefined when the signal is aborted. Throws slow_watcher when the watcher was cut. */
  async next(signal: AbortSignal): Promise<WatchResponse | undefined> {
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
  private startMessage(): WatchResponse {
    const events = takeChunk(this.start, 0);
    this.start.splice(0, events.length);
    return this.surroundings.messages.of({ events, revision: 0, isSynced: false });
  }

  private changeMessage(): WatchResponse {
    const events = takeChunk(this.changes, this.head);
    this.head += events.length;
    const following = this.changes[this.head];
    if (following === undefined || this.head > 4_096) {
      this.changes = this.changes.slice(this.head);
      this.head = 0;
    }
    this.isMessageDue = false;
    // Changes of one revision may be cut in two: up to the revision before has been sent in full.
    const revision = following === undefined ? this.surroundings.offeredRevision() : following.revision - 1;
    return this.surroundings.messages.of({ events, revision, isSynced: true });
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
