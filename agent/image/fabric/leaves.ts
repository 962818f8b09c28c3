import type { Clock } from "../../../lib/clock.js";
import { limit } from "../../../lib/limits.js";

/** How long a node that asks too early is kept waiting for the leader's word. */
const EARLY_MS = 1_000;

/** Which nodes the leader lets fetch what from this one. Bounded by time. */
export class Leaves {
  private readonly clock: Clock;
  private readonly untilMs = new Map<string, number>();
  private readonly waiting = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The leader lets a node fetch content for some time. */
  give(digest: string, nodeName: string): void {
    const key = `${digest} ${nodeName}`;
    const nowMs = this.clock.monotonicMs();
    for (const [known, untilMs] of this.untilMs) if (untilMs <= nowMs) this.untilMs.delete(known);
    this.untilMs.set(key, nowMs + limit("fabricLeaveMs"));
    for (const wake of this.waiting.get(key) ?? []) wake();
  }

  /** Whether a node may fetch content. Its request may be faster than the leader's word on another connection. */
  async has(digest: string, nodeName: string): Promise<boolean> {
    const key = `${digest} ${nodeName}`;
    if (this.isGiven(key)) return true;
    const waiting = this.waiting.get(key) ?? new Set();
    this.waiting.set(key, waiting);
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel();
        waiting.delete(wake);
        if (waiting.size === 0) this.waiting.delete(key);
        resolve();
      };
      const cancel = this.clock.after(EARLY_MS, wake);
      waiting.add(wake);
    });
    return this.isGiven(key);
  }

  private isGiven(key: string): boolean {
    return (this.untilMs.get(key) ?? 0) > this.clock.monotonicMs();
  }
}
