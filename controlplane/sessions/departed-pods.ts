import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { ofKind } from "../cache/of-kind.js";
import type { CacheBatch, CacheChange } from "../cache/view.js";

/** A pod whose object is gone, as it last was. */
export interface DepartedPod {
  readonly pod: Pod;
  readonly goneAtMs: number;
}

/**
 * The pods that were deleted lately, by namespace and name: their nodes keep their logs for a while, and somebody wants to know how they ended. Of one name the last
 * one. Each replica remembers what it saw itself, limits.departedPods at most.
 */
export class DepartedPods {
  private readonly clock: Clock;
  private readonly pods = new Map<string, DepartedPod>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Takes note of what a batch of changes took away. */
  take({ changes }: CacheBatch): void {
    for (const change of changes) this.note(change);
  }

  /** The last pod of that name that has gone; undefined when that is too long ago. */
  find(namespace: string, name: string): DepartedPod | undefined {
    const found = this.pods.get(`${namespace}/${name}`);
    return found !== undefined && this.clock.nowMs() - found.goneAtMs <= limit("endedLogsMs") ? found : undefined;
  }

  private note({ key, before, after }: CacheChange): void {
    const pod = ofKind(before, "Pod")?.object;
    if (key.kind !== "Pod" || after !== undefined || (pod?.spec?.nodeName ?? "") === "" || pod === undefined) return;
    const name = `${key.namespace}/${key.name}`;
    this.pods.delete(name); // The newest stand last.
    this.pods.set(name, { pod, goneAtMs: this.clock.nowMs() });
    const [oldest] = this.pods.keys();
    if (this.pods.size > limit("departedPods") && oldest !== undefined) this.pods.delete(oldest);
  }
}

/** How a pod that is gone has ended, for people. */
export function departureText({ pod, goneAtMs }: DepartedPod, nowMs: number): string {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  const { status } = pod;
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const ends = statuses.flatMap(({ name: container, state, lastState }) => {
    const end = state?.terminated ?? lastState?.terminated;
    return end === undefined ? [] : [`container ${container} ended with ${end.exitCode} (${end.reason})`];
  });
  const why =
    status?.reason === undefined || status.reason === "" ? [] : [`${status.reason}: ${status.message.trim()}`];
  const seconds = Math.round((nowMs - goneAtMs) / 1000);
  return [`pod ${namespace}/${name} was deleted ${seconds}s ago`, ...why, ...ends].join("; ");
}
