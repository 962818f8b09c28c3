import type { Cancel, Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly call: () => void;
}

/** A clock that stands still until the test moves it. Timers fire in order of time, then of creation. */
export class ManualClock implements Clock {
  private passedMs = 0;
  private jumpedMs = 0;
  private lastOrder = 0;
  private readonly startMs: number;
  private readonly timers = new Set<Timer>();

  constructor(startMs = 1_700_000_000_000) {
    this.startMs = startMs;
  }

  nowMs(): number {
    return this.startMs + this.passedMs + this.jumpedMs;
  }

  monotonicMs(): number {
    return this.passedMs;
  }

  after(delayMs: number, call: () => void): Cancel {
    this.lastOrder += 1;
    const timer = { atMs: this.passedMs + delayMs, order: this.lastOrder, call };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const gone = (): void => {
        cancel();
        reject(new TallshipError("cancelled", "sleep was cancelled"));
      };
      const cancel = this.after(delayMs, () => {
        signal.removeEventListener("abort", gone);
        resolve();
      });
      if (signal.aborted) gone();
      else signal.addEventListener("abort", gone, { once: true });
    });
  }

  /** Sets the wall clock forward, or back; no time passes. */
  jump(ms: number): void {
    this.jumpedMs += ms;
  }

  /** Timers that wait. */
  get timerCount(): number {
    return this.timers.size;
  }

  /** Moves time on and fires what falls due; between two timers, promises settle. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.passedMs + ms;
    for (;;) {
      await settle();
      const next = this.firstDue(untilMs);
      if (next === undefined) break;
      this.timers.delete(next);
      this.passedMs = Math.max(this.passedMs, next.atMs);
      next.call();
    }
    this.passedMs = untilMs;
    await settle();
  }

  private firstDue(untilMs: number): Timer | undefined {
    const due = [...this.timers].filter((timer) => timer.atMs <= untilMs);
    return due.sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
  }
}

/** Resolves after every promise that is ready, and what follows from it, has run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
