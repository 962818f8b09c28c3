import { encodeObject, keyText, storeKey } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import type { Clock } from "../../lib/clock.js";
import { hasCode } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import type { View } from "../cache/view.js";
import type { Store, Write } from "../store/store.js";
import type { EventSink } from "./event-sink.js";
import { type EventOrigin, eventOf, expiredEvents, type PendingEvent, pendingOf } from "./fold.js";
import type { Notice } from "./notice.js";

/** What writing events needs. */
export interface EventWriterDeps {
  readonly store: Store;
  readonly view: View;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Counts events that were written, and those that were dropped and why. */
  readonly onWritten: (count: number) => void;
  readonly onDropped: (why: "queue_full" | "store" | "namespace", count: number) => void;
}

/**
 * Writes events in batches, folding equal ones into one with a count. The least of the store's writers: one transaction at a time with a rest in between,
 * never retried, and what does not fit into limits.eventQueue meanwhile is dropped and counted. Events are not worth a slow cluster.
 */
export class EventWriter implements EventSink {
  private readonly deps: EventWriterDeps;
  private readonly pending = new Map<string, PendingEvent>();
  /** What was written last, newest at the end: the cache may not show it yet when the next one is folded into it. */
  private readonly written = new Map<string, Event>();
  private isFlushDue = false;
  private heard = 0;
  private writtenSinceSweep = 0;

  constructor(deps: EventWriterDeps) {
    this.deps = deps;
  }

  record(notice: Notice, origin: EventOrigin): void {
    const event = pendingOf(notice, origin, this.deps.view, { atMs: this.deps.clock.nowMs(), order: this.heard });
    this.heard += 1;
    const id = keyText(event.key);
    const waiting = this.pending.get(id);
    if (waiting === undefined && this.pending.size >= limit("eventQueue")) {
      this.deps.onDropped("queue_full", 1);
      return;
    }
    this.pending.set(
      id,
      waiting === undefined ? event : { ...waiting, count: waiting.count + 1, lastAtMs: event.lastAtMs },
    );
    this.scheduleFlush();
  }

  /** Removes what is too old, at once and then every limits.eventSweepMs, until the signal aborts. Several replicas may do it. */
  async removeExpired(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.sweep();
      await this.deps.clock.sleep(limit("eventSweepMs"), signal).catch((error: unknown) => {
        if (!hasCode(error, "cancelled")) throw error;
      });
    }
  }

  private scheduleFlush(): void {
    if (this.isFlushDue) return;
    this.isFlushDue = true;
    this.deps.clock.after(limit("eventFlushMs"), () => void this.flush());
  }

  private async flush(): Promise<void> {
    const batch = [...this.pending.entries()].slice(0, limit("transactionObjects"));
    for (const [id] of batch) this.pending.delete(id);
    await this.write(batch.map(([, event]) => event).filter((event) => this.hasHome(event)));
    this.isFlushDue = false;
    if (this.pending.size > 0) this.scheduleFlush();
    if (this.writtenSinceSweep >= SWEEP_AFTER) await this.sweep();
  }

  private async write(batch: readonly PendingEvent[]): Promise<void> {
    const events = batch.map((pending) => eventOf(pending, this.standing(pending), () => this.deps.rng.uuid()));
    const writes = events.map(writeOf);
    if (!(await this.transact(writes, "write events"))) {
      this.deps.onDropped("store", events.length);
      return;
    }
    this.deps.onWritten(events.length);
    this.writtenSinceSweep += events.length;
    batch.forEach(({ key }, at) => {
      this.remember(keyText(key), events[at]);
    });
  }

  /** An event in a namespace that is being emptied would keep it from going. */
  private hasHome({ key }: PendingEvent): boolean {
    const home = this.deps.view.get("Namespace", "", key.namespace);
    const isOpen = home !== undefined && !isDeleting(home);
    if (!isOpen) this.deps.onDropped("namespace", 1);
    return isOpen;
  }

  private standing({ key }: PendingEvent): Event | undefined {
    return this.written.get(keyText(key)) ?? this.deps.view.get("Event", key.namespace, key.name);
  }

  private remember(id: string, event: Event | undefined): void {
    if (event === undefined) return;
    this.written.delete(id);
    this.written.set(id, event);
    const [oldest] = this.written.keys();
    if (this.written.size > limit("eventQueue") && oldest !== undefined) this.written.delete(oldest);
  }

  private async sweep(): Promise<void> {
    this.writtenSinceSweep = 0;
    const most = limit("eventsKept") - SWEEP_AFTER;
    const expired = expiredEvents(this.deps.view.list("Event"), this.deps.clock.nowMs(), most);
    for (let at = 0; at < expired.length; at += limit("transactionObjects")) {
      const keys = expired
        .slice(at, at + limit("transactionObjects"))
        .map(({ object }) =>
          storeKey({ kind: "Event", namespace: object.metadata?.namespace ?? "", name: object.metadata?.name ?? "" }),
        );
      if (
        !(await this.transact(
          keys.map((key) => ({ op: "delete", key })),
          "remove events",
        ))
      )
        return;
    }
  }

  private async transact(writes: readonly Write[], what: string): Promise<boolean> {
    if (writes.length === 0) return true;
    try {
      await this.deps.store.transact({ checks: [], writes });
      return true;
    } catch (error) {
      this.deps.log.warn("events were not written", { what, count: writes.length, error });
      return false;
    }
  }
}

/** Events written between two looks at their number; so many are removed early, that the bound holds in between. */
const SWEEP_AFTER = 1_000;

function writeOf(object: Event): Write {
  const { namespace = "", name = "" } = object.metadata ?? {};
  const key = storeKey({ kind: "Event", namespace, name });
  return { op: "put", key, value: encodeObject({ kind: "Event", object }) };
}
