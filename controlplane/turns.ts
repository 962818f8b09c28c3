import type { Cancel, Clock } from "../lib/clock.js";
import { limit } from "../lib/limits.js";

/** Work that is done step by step. */
export interface Steps {
  /** Does one small piece of work; false when there is none left to do now. */
  step(): boolean;
  /** Called at the end of each turn. */
  afterTurn?(): void;
}

/**
 * Does work in turns of at most limits.leaderSliceMs, with room for everything else in between. `wake` begins a turn at the end of the
 * current task when none is due, so that a change is acted on without waiting for a timer. Ends when the signal aborts.
 */
export class Turns {
  private readonly clock: Clock;
  private readonly signal: AbortSignal;
  private readonly steps: Steps;
  private isDue = false;
  private cancel: Cancel | undefined;

  constructor(clock: Clock, signal: AbortSignal, steps: Steps) {
    this.clock = clock;
    this.signal = signal;
    this.steps = steps;
    signal.addEventListener("abort", () => this.cancel?.(), { once: true });
  }

  /** There may be work to do. */
  wake(): void {
    if (this.isDue || this.signal.aborted) return;
    this.isDue = true;
    queueMicrotask(() => this.turn());
  }

  private turn(): void {
    const untilMs = this.clock.monotonicMs() + limit("leaderSliceMs");
    let isMore = true;
    while (isMore && this.clock.monotonicMs() < untilMs && !this.signal.aborted) isMore = this.steps.step();
    this.steps.afterTurn?.();
    this.isDue = isMore && !this.signal.aborted;
    if (this.isDue) this.cancel = this.clock.after(0, () => this.turn());
  }
}
