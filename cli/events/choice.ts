import { lastSeen } from "../../kinds/columns/event.js";
import type { Json } from "../../kinds/encode.js";
import { metaOf } from "../../kinds/object.js";
import { parseTime } from "../../lib/clock.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import { renderTemplate } from "../go-template/evaluate.js";
import { readMoment } from "../logs/time-flags.js";
import { usageError } from "../verb.js";

/** Flags by which Docker's users choose among events, and say how they are printed. */
export interface EventChoiceFlags {
  readonly types?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly filter?: readonly string[];
}

/** Which events are shown, and from when on there are no more of them. */
export interface EventChoice {
  readonly isShown: (event: Event) => boolean;
  readonly untilMs: number | undefined;
}

/** What a filter looks at; its value is the text after the first "=". */
const FILTERS: Readonly<Record<string, (event: Event, value: string) => boolean>> = {
  type: ({ involvedObject }, value) => kindWord(involvedObject?.kind) === kindWord(value),
  event: ({ reason }, value) => reason.toLowerCase() === value.toLowerCase(),
  container: ({ involvedObject }, value) => kindWord(involvedObject?.kind) === "pod" && involvedObject?.name === value,
  name: ({ involvedObject }, value) => involvedObject?.name === value,
  node: ({ source, involvedObject }, value) =>
    source?.host === value || (involvedObject?.kind === "Node" && involvedObject.name === value),
};

/** Reads the flags; several filters of one key are alternatives, as in Docker. */
export function readEventChoice({ types, since, until, filter = [] }: EventChoiceFlags, nowMs: number): EventChoice {
  const wanted = typesOf(types);
  const sinceMs = since === undefined ? undefined : readMoment(since, "--since", nowMs);
  const untilMs = until === undefined ? undefined : readMoment(until, "--until", nowMs);
  const filters = filter.map(readFilter);
  const keys = [...new Set(filters.map(({ key }) => key))];
  const isShown = (event: Event): boolean => {
    const seenMs = parseTime(lastSeen(event));
    // Times of events are whole seconds, cut off.
    if (sinceMs !== undefined && seenMs < Math.floor(sinceMs / 1_000) * 1_000) return false;
    if (untilMs !== undefined && seenMs > untilMs) return false;
    if (wanted?.has(event.type) === false) return false;
    return keys.every((key) => filters.some((one) => one.key === key && one.matches(event)));
  };
  return { isShown, untilMs };
}

/** An event by Docker's names, for templates and JSON lines: what happened to whom, when and where. */
export function dockerEvent(event: Event): Json {
  const { involvedObject, reason, message, source, type, count } = event;
  const seenMs = parseTime(lastSeen(event));
  const { namespace, uid = "", name = "" } = { ...metaOf(event), ...involvedObject };
  return {
    Type: kindWord(involvedObject?.kind),
    Action: reason,
    Status: reason,
    ID: uid,
    Actor: {
      ID: uid,
      Attributes: { name, namespace, message, level: type, node: source?.host ?? "", count: String(count) },
    },
    Scope: "swarm",
    Time: Math.floor(seenMs / 1_000),
    TimeNano: seenMs * 1_000_000,
  };
}

/** Lines for events as Docker's --format has them: JSON, or a template for each. */
export function formatEvents(events: readonly Event[], format: string): string {
  const line = (event: Json): string => (format === "json" ? JSON.stringify(event) : renderTemplate(format, event));
  return events.map((event) => `${line(dockerEvent(event))}\n`).join("");
}

/** A container is a pod here. */
function kindWord(kind = ""): string {
  const word = kind.toLowerCase();
  return word === "container" ? "pod" : word;
}

function typesOf(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const types = text.split(",");
  const wrong = types.find((type) => type !== "Normal" && type !== "Warning");
  if (wrong !== undefined) throw usageError(`--types takes Normal and Warning, not "${wrong}"`);
  return new Set(types);
}

function readFilter(text: string): { readonly key: string; readonly matches: (event: Event) => boolean } {
  const equals = text.indexOf("=");
  const key = equals === -1 ? text : text.slice(0, equals);
  const matches = Object.hasOwn(FILTERS, key) ? FILTERS[key] : undefined;
  if (matches === undefined || equals === -1)
    throw usageError(`--filter is ${Object.keys(FILTERS).join("=, ")}=, not "${text}"`);
  return { key, matches: (event) => matches(event, text.slice(equals + 1)) };
}
