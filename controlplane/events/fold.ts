import { createHash } from "node:crypto";
import { keyText, type ObjectKey } from "../../kinds/object.js";
import { apiVersionOf } from "../../kinds/registry.js";
import { parseTime, rfc3339 } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import { Event } from "../../proto/gen/tallship/v1/event.js";
import type { Cached, View } from "../cache/view.js";
import type { Notice } from "./notice.js";

/** Who saw what a notice tells. */
export interface EventOrigin {
  readonly component: string;
  readonly host: string;
}

/** Equal notices that wait to be written, as one. */
export interface PendingEvent {
  /** The event's key: equal notices about the very same object have the same one. */
  readonly key: ObjectKey<"Event">;
  readonly notice: Notice;
  readonly origin: EventOrigin;
  readonly uid: string;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** Rises with each notice that its writer heard: tells apart those of one millisecond. */
  readonly order: number;
}

/** When a notice was heard: the time, and its place in the row of all that one writer heard. */
export interface Seen {
  readonly atMs: number;
  readonly order: number;
}

/** A notice as the first of its kind. Its name is derived from what it says, so that a repetition, also after a restart, finds it. */
export function pendingOf(notice: Notice, origin: EventOrigin, view: View, seen: Seen): PendingEvent {
  const { about, type, reason } = notice;
  const message = cutText(notice.message, MESSAGE_BYTES);
  const uid = view.get(about.kind, about.namespace, about.name)?.metadata?.uid ?? "";
  const hash = createHash("sha256");
  for (const part of [keyText(about), uid, type, reason, message, origin.component, origin.host])
    hash.update(`${part}\0`);
  const name = `${about.name.slice(0, 200)}.${hash.digest("hex").slice(0, 16)}`;
  const key = { kind: "Event", namespace: about.namespace === "" ? "default" : about.namespace, name } as const;
  return {
    key,
    notice: { ...notice, message },
    origin,
    uid,
    count: 1,
    firstAtMs: seen.atMs,
    lastAtMs: seen.atMs,
    order: seen.order,
  };
}

/** The event to write: the one that stands with what was seen since, or a new one when that is older than limits.eventTtlMs. */
export function eventOf(pending: PendingEvent, standing: Event | undefined, newUid: () => string): Event {
  const { key, notice, origin, uid, lastAtMs } = pending;
  const isGoingOn = standing !== undefined && parseTime(standing.lastTimestamp) > lastAtMs - limit("eventTtlMs");
  const firstTimestamp = isGoingOn ? standing.firstTimestamp : rfc3339(pending.firstAtMs);
  const { about, type, reason, message } = notice;
  const { namespace, name } = key;
  return Event.fromPartial({
    metadata: {
      name,
      namespace,
      uid: isGoingOn ? standing.metadata?.uid : newUid(),
      creationTimestamp: firstTimestamp,
    },
    involvedObject: { ...about, uid, apiVersion: apiVersionOf(about.kind) },
    reason,
    message,
    source: origin,
    eventTime: isGoingOn ? standing.eventTime : microTime(pending.firstAtMs, pending.order),
    firstTimestamp,
    lastTimestamp: rfc3339(lastAtMs),
    count: (isGoingOn ? standing.count : 0) + pending.count,
    type,
    reportingComponent: `tallship.dev/${origin.component}`,
    reportingInstance: origin.host,
  });
}

/** The events to remove: those last seen longer than limits.eventTtlMs ago, and the oldest of more than `most`. */
export function expiredEvents(
  events: readonly Cached<"Event">[],
  nowMs: number,
  most: number,
): readonly Cached<"Event">[] {
  const since = rfc3339(nowMs - limit("eventTtlMs"));
  // RFC 3339 in UTC with seconds sorts as text.
  const oldestFirst = events.toSorted((left, right) =>
    left.object.lastTimestamp < right.object.lastTimestamp ? -1 : 1,
  );
  const excess = Math.max(0, events.length - most);
  return oldestFirst.filter(({ object }, at) => at < excess || object.lastTimestamp < since);
}

/** RFC 3339 with microseconds; those below the millisecond count notices. */
function microTime(ms: number, order: number): string {
  const micros = (ms % 1_000) * 1_000 + (order % 1_000);
  return `${rfc3339(ms).slice(0, -1)}.${String(micros).padStart(6, "0")}Z`;
}

const MESSAGE_BYTES = 1_024;

/** Cuts a text at a bound of bytes, not within a character. */
function cutText(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  return new TextDecoder()
    .decode(bytes.subarray(0, most - 3))
    .replace(/\uFFFD+$/, "")
    .concat("…");
}
