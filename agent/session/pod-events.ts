import type { Cancel, Clock } from "../../lib/clock.js";
import { rfc3339 } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import { Event } from "../../proto/gen/tallship/v1/event.js";
import type { PodNotice } from "../control-plane.js";

/** What collects events. */
export interface PodEventsParts {
  readonly clock: Clock;
  readonly nodeName: string;
  readonly send: (events: readonly Event[]) => void;
}

/** Collects what the user is told of pods and sends it together. Never waits; what exceeds limits.eventQueue is dropped. */
export class PodEvents {
  private readonly parts: PodEventsParts;
  private waiting: Event[] = [];
  private cancel: Cancel | undefined;

  constructor(parts: PodEventsParts) {
    this.parts = parts;
  }

  /** Takes a notice. */
  add(notice: PodNotice): void {
    if (this.waiting.length >= limit("eventQueue")) return;
    this.waiting.push(this.eventOf(notice));
    this.cancel ??= this.parts.clock.after(limit("eventFlushMs"), () => this.flush());
  }

  /** Sends no more. */
  close(): void {
    this.cancel?.();
  }

  private flush(): void {
    this.cancel = undefined;
    const events = this.waiting;
    this.waiting = [];
    this.parts.send(events);
  }

  private eventOf({ pod, container, type, reason, message }: PodNotice): Event {
    const { namespace, name, uid } = pod.metadata ?? { namespace: "", name: "", uid: "" };
    const at = rfc3339(this.parts.clock.nowMs());
    const fieldPath = container === "" ? "" : `spec.containers{${container}}`;
    return Event.fromPartial({
      involvedObject: { kind: "Pod", apiVersion: "v1", namespace, name, uid, fieldPath },
      source: { component: "agent", host: this.parts.nodeName },
      reportingComponent: "tallship.dev/agent",
      reportingInstance: this.parts.nodeName,
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
      message: message.slice(0, 1_000),
      reason,
      type,
    });
  }
}
