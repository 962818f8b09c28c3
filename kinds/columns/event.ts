import type { Event } from "../../proto/gen/tallship/v1/event.js";
import { ageText } from "../age.js";
import { type Column, orNone } from "./column.js";

/** When, what, about whom. The last column may be long. */
export const eventColumns: readonly Column<Event>[] = [
  { name: "LAST SEEN", cell: (event, nowMs) => ageText(lastSeen(event), nowMs) },
  { name: "TYPE", cell: ({ type }) => orNone(type) },
  { name: "REASON", cell: ({ reason }) => orNone(reason) },
  {
    name: "OBJECT",
    cell: ({ involvedObject }) => `${(involvedObject?.kind ?? "").toLowerCase()}/${involvedObject?.name ?? ""}`,
  },
  {
    name: "SOURCE",
    isWide: true,
    cell: ({ source, reportingComponent }) => orNone(source?.component || reportingComponent),
  },
  { name: "COUNT", isWide: true, cell: ({ count }) => String(Math.max(1, count)) },
  { name: "MESSAGE", cell: ({ message }) => orNone(message.trim().replace(/\s*\n\s*/g, " ")) },
];

/** The time an event was last seen, RFC 3339. */
export function lastSeen(event: Event): string {
  return event.lastTimestamp || event.firstTimestamp || (event.metadata?.creationTimestamp ?? "");
}

/** Orders events as they came: by when they were last seen, those of one second by when they were first. */
export function bySeen(left: Event, right: Event): number {
  return compareText(lastSeen(left), lastSeen(right)) || compareText(left.eventTime, right.eventTime);
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
