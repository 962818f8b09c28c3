import { encodeOnce } from "../../../lib/transport/encode-once.js";
import type { WatchResponse } from "../../../proto/gen/tallship/v1/api.js";
import { type Pending, watchEventOf } from "./viewpoint.js";

/** What a message says. */
export interface MessageParts {
  readonly events: readonly Pending[];
  /** Everything up to it was sent, with this message. */
  readonly revision: number;
  readonly isSynced: boolean;
}

interface Made extends MessageParts {
  readonly message: WatchResponse;
}

/** Watchers of a crowd are woken one after the other, and those that begin together are sent a few different parts of what there is. */
const MADE_KEPT = 4;

/** Messages for watchers, without the cluster's epoch. Who is to be told the very same as another before it gets the very same message, which is encoded once. */
export class SharedMessages {
  private readonly made: Made[] = [];

  /** The message; it must not be changed. */
  of(parts: MessageParts): WatchResponse {
    const known = this.made.find((each) => isSame(each, parts));
    if (known !== undefined) return encodeOnce(known.message);
    const { events, revision, isSynced } = parts;
    const message = { events: events.map(watchEventOf), revision, isSynced, clusterEpoch: "" };
    this.made.unshift({ ...parts, message });
    if (this.made.length > MADE_KEPT) this.made.pop();
    return message;
  }
}

function isSame(made: MessageParts, { events, revision, isSynced }: MessageParts): boolean {
  if (made.revision !== revision || made.isSynced !== isSynced || made.events.length !== events.length) return false;
  return events.every((event, at) => isSameEvent(event, made.events[at]));
}

function isSameEvent(one: Pending, other: Pending | undefined): boolean {
  if (one === other) return true;
  return one.object === other?.object && one.type === other.type && one.revision === other.revision;
}
