import type { Clock } from "../../../lib/clock.js";
import { limit } from "../../../lib/limits.js";

/** Whoever sleeps until there is something for it. */
export interface Sleeper {
  signal(): void;
}

/**
 * Wakes watchers that have something to send. What concerns a few is told at once. What every node watches is thousands of messages, and each takes its time to encode, encrypt and
 * write: limits.watchersPerTurn of them are woken before all else has its turn.
 */
export class Wakes<S extends Sleeper> {
  private readonly clock: Clock;
  private readonly due = new Set<S>();
  private isTurnDue = false;
  private gathering: Set<S> | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Wakes them, at once unless they are a crowd. */
  wake(sleepers: ReadonlySet<S>): void {
    if (sleepers.size <= limit("watchersPerTurn")) {
      for (const sleeper of sleepers) sleeper.signal();
      return;
    }
    for (const sleeper of sleepers) this.due.add(sleeper);
    if (!this.isTurnDue) this.turn();
  }

  /** Wakes them within `withinMs`, together with those that are to be woken until then: what they are told meanwhile is one message. Without a time it is at once. */
  gather(sleepers: ReadonlySet<S>, withinMs: number): void {
    if (withinMs === 0) {
      this.wake(sleepers);
      return;
    }
    if (this.gathering === undefined) {
      this.gathering = new Set();
      this.clock.after(withinMs, () => this.endGathering());
    }
    for (const sleeper of sleepers) this.gathering.add(sleeper);
  }

  /** It sleeps no more. */
  forget(sleeper: S): void {
    this.due.delete(sleeper);
    this.gathering?.delete(sleeper);
  }

  private endGathering(): void {
    const gathered = this.gathering ?? new Set();
    this.gathering = undefined;
    this.wake(gathered);
  }

  private turn(): void {
    this.isTurnDue = false;
    let left = limit("watchersPerTurn");
    for (const sleeper of this.due) {
      this.due.delete(sleeper);
      sleeper.signal();
      left -= 1;
      if (left === 0) break;
    }
    if (this.due.size === 0) return;
    this.isTurnDue = true;
    this.clock.after(0, () => this.turn());
  }
}

/**
 * Milliseconds in which news of nodes are gathered for so many nodes: so that all of them together are told limits.peerNewsPerSecond times a second, and nothing waits while that is
 * about a moment.
 */
export function peerGatherMs(nodeCount: number): number {
  const fairMs = (1_000 * nodeCount) / limit("peerNewsPerSecond");
  return fairMs < limit("peerGatherMinMs") ? 0 : Math.min(limit("peerGatherMaxMs"), fairMs);
}
