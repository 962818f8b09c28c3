import type { IWatchResponse } from "etcd3";
import { TallshipError } from "../../lib/errors.js";
import { entryOf } from "./etcd-kv.js";
import type { StoreBatch, StoreEvent } from "./store.js";

/**
 * How far a watch has come, across reconnects. The position is the revision of the last event delivered, never the header's: while a
 * watcher catches up, the header tells the store's revision, and starting there again loses what lay between.
 * Events at and before the position are doubles and dropped; the parts of one response are put together first.
 */
export class WatchPosition {
  private readonly prefixes: readonly string[];
  private parts: StoreEvent[] = [];
  private reached: number;

  constructor(prefixes: readonly string[], afterRevision: number) {
    this.prefixes = prefixes;
    this.reached = afterRevision;
  }

  /** The revision up to which everything was delivered. */
  get revision(): number {
    return this.reached;
  }

  /** Forgets parts of a response that a broken stream never finished. */
  restart(): void {
    this.parts = [];
  }

  /** What to deliver, if anything. Throws history_lost, or store_unavailable when etcd ended the watch. */
  take(response: IWatchResponse): StoreBatch | undefined {
    const compacted = Number(response.compact_revision);
    if (compacted > 0)
      throw new TallshipError("history_lost", `watch after revision ${this.reached}: compacted up to ${compacted}`);
    if (response.canceled)
      throw new TallshipError(
        "store_unavailable",
        `watch: etcd ended it: ${response.cancel_reason || "no reason given"}`,
      );
    if (response.created) return undefined;
    for (const { type, kv } of response.events) {
      if (Number(kv.mod_revision) <= this.reached) continue;
      this.parts.push(
        type === "Put"
          ? { type: "put", entry: entryOf(kv) }
          : { type: "delete", key: kv.key.toString(), revision: Number(kv.mod_revision) },
      );
    }
    if (response.fragment) return undefined;
    return response.events.length === 0 && this.parts.length === 0
      ? this.progress(Number(response.header.revision))
      : this.deliver();
  }

  private deliver(): StoreBatch | undefined {
    const last = this.parts.at(-1);
    if (last === undefined) return undefined;
    this.reached = last.type === "put" ? last.entry.revision : last.revision;
    // The range between the first and the last prefix may hold keys of neither.
    const events = this.parts.filter((event) => {
      const key = event.type === "put" ? event.entry.key : event.key;
      return this.prefixes.some((prefix) => key.startsWith(prefix));
    });
    this.parts = [];
    return { events, revision: this.reached };
  }

  /** etcd reports progress only of watchers that have caught up. */
  private progress(revision: number): StoreBatch | undefined {
    if (revision <= this.reached) return undefined;
    this.reached = revision;
    return { events: [], revision };
  }
}
