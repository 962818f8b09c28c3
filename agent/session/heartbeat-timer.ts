import type { Cancel, Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { Rng } from "../../lib/rng.js";

/** What a heartbeat timer needs. */
export interface HeartbeatTimerParts {
  readonly clock: Clock;
  readonly rng: Rng;
  /** Sends a heartbeat. */
  readonly beat: () => void;
}

/**
 * When a node beats. With the shortest interval: exactly so often, and at once when there is news. With a longer one there are so many nodes that none may act in step with the
 * others: each wait is drawn from the last fifth of the interval, and news are told within limits.heartbeatSpreadMs, together with what else comes until then.
 */
export class HeartbeatTimer {
  private readonly parts: HeartbeatTimerParts;
  private intervalMs: number;
  private dueAtMs = 0;
  private cancel: Cancel | undefined;
  private isStopped = false;

  constructor(parts: HeartbeatTimerParts, everyMs: number) {
    this.parts = parts;
    this.intervalMs = Math.max(limit("heartbeatMs"), everyMs);
  }

  /** Beats for the first time, and goes on. */
  start(): void {
    this.beatNow();
  }

  /** The next heartbeat follows within so many milliseconds. */
  get everyMs(): number {
    return this.intervalMs;
  }

  /** The leader asks for another interval. A heartbeat that is due sooner comes as it would have. */
  setInterval(everyMs: number): void {
    this.intervalMs = Math.max(limit("heartbeatMs"), everyMs);
    this.arm(this.parts.rng.float() * this.intervalMs);
  }

  /** There is something to tell. */
  tellNews(): void {
    if (this.isShortest) this.beatNow();
    else this.arm(this.parts.rng.float() * limit("heartbeatSpreadMs"));
  }

  /** No more heartbeats. Twice is once. */
  stop(): void {
    this.isStopped = true;
    this.cancel?.();
  }

  private get isShortest(): boolean {
    return this.intervalMs <= limit("heartbeatMs");
  }

  private beatNow(): void {
    if (this.isStopped) return;
    this.cancel?.();
    this.cancel = undefined;
    this.parts.beat();
    this.arm(this.isShortest ? this.intervalMs : this.intervalMs * (0.8 + this.parts.rng.float() / 5));
  }

  /** Beats after the delay, unless it is to beat sooner anyway. */
  private arm(delayMs: number): void {
    const atMs = this.parts.clock.monotonicMs() + delayMs;
    if (this.isStopped || (this.cancel !== undefined && this.dueAtMs <= atMs)) return;
    this.cancel?.();
    this.dueAtMs = atMs;
    this.cancel = this.parts.clock.after(delayMs, () => this.beatNow());
  }
}
