import { ageText } from "../../kinds/age.js";
import { lastSeen } from "../../kinds/columns/event.js";
import { controllerOf } from "../../kinds/owners.js";
import { parseTime } from "../../lib/clock.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import type { Condition, ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import { Page } from "./page.js";

/** What a description may know beside its object. */
export interface Surroundings {
  readonly nowMs: number;
  /** Of the object, the oldest first. */
  readonly events: readonly Event[];
}

/** A page that begins as all do: name, namespace, labels, annotations and owner. */
export function headOf(meta: ObjectMeta | undefined, nowMs: number): Page {
  const page = new Page().fact("Name", meta?.name ?? "");
  if ((meta?.namespace ?? "") !== "") page.fact("Namespace", meta?.namespace ?? "");
  page.fact("Labels", entries(meta?.labels ?? {}, "="));
  page.fact("Annotations", entries(meta?.annotations ?? {}, ": "));
  page.fact("Created", timeText(meta?.creationTimestamp ?? "", nowMs));
  const owner = meta === undefined ? undefined : controllerOf({ metadata: meta });
  if (owner !== undefined) page.fact("Controlled By", `${owner.kind}/${owner.name}`);
  if ((meta?.deletionTimestamp ?? "") !== "")
    page.fact(
      "Terminating",
      `until ${meta?.deletionTimestamp} (grace period ${meta?.deletionGracePeriodSeconds ?? 0} s)`,
    );
  if ((meta?.finalizers.length ?? 0) > 0) page.fact("Finalizers", meta?.finalizers.join(", ") ?? "");
  return page;
}

/** The page with the events at its end. */
export function withEvents(page: Page, { events, nowMs }: Surroundings): Page {
  const rows = events.map((event) => {
    const age = ageText(lastSeen(event), nowMs);
    const times = event.count > 1 ? `${age} (x${event.count} over ${ageText(event.firstTimestamp, nowMs)})` : age;
    return [
      event.type,
      event.reason,
      times,
      event.source?.component || event.reportingComponent,
      oneLine(event.message),
    ];
  });
  return page.table("Events", ["Type", "Reason", "Age", "From", "Message"], rows);
}

/** A table of conditions with their reasons. */
export function conditionsTable(page: Page, conditions: readonly Condition[], nowMs: number): Page {
  const rows = conditions.map(({ type, status, reason, message, lastTransitionTime }) => [
    type,
    status,
    ageText(lastTransitionTime, nowMs),
    reason || "-",
    oneLine(message),
  ]);
  return page.table("Conditions", ["Type", "Status", "Since", "Reason", "Message"], rows);
}

/** Entries of a map, one per line, by key. */
export function entries(map: Readonly<Record<string, string>>, separator: string): readonly string[] {
  return Object.entries(map)
    .map(([key, value]) => `${key}${separator}${oneLine(value, 200)}`)
    .sort();
}

/** A time and how long ago it was; empty for none. */
export function timeText(time: string, nowMs: number): string {
  return Number.isNaN(parseTime(time)) ? "" : `${time} (${ageText(time, nowMs)} ago)`;
}

/** A text on one line, cut when it is long. */
export function oneLine(text: string, longest = 1_024): string {
  const flat = text.trim().replace(/\s*\n\s*/g, " ");
  return flat.length > longest ? `${flat.slice(0, longest)}…` : flat;
}
