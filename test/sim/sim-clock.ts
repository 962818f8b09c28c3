import type { Cancel, Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly call: () => void;
}

/** Virtual time: it stands still while anything can happen, then jumps to the next timer. Timers of one moment fire in order of creation. */
export class SimTime {
  private nowMs = 0;
  private lastOrder = 0;
  private timers: Timer[] = [];
  private readonly cancelled = new Set<Timer>();

  /** Milliseconds since the simulation began. */
  get now(): number {
    return this.nowMs;
  }

  /** Calls once at now + delay. */
  after(delayMs: number, call: () => void): Cancel {
    this.lastOrder += 1;
    const timer = { atMs: this.nowMs + Math.max(0, delayMs), order: this.lastOrder, call };
    this.push(timer);
    return () => this.cancelled.add(timer);
  }

  /**
   * Fires timers until the moment, letting promises settle after each, and calls `onStep` then. Stops early when `isDone` says so.
   */
  async run(untilMs: number, onStep: () => void, isDone: () => boolean = () => false): Promise<void> {
    await settle();
    while (!isDone()) {
      const timer = this.pop(untilMs);
      if (timer === undefined) break;
      this.nowMs = timer.atMs;
      timer.call();
      await settle();
      onStep();
    }
    if (!isDone()) this.nowMs = Math.max(this.nowMs, untilMs);
  }

  private push(timer: Timer): void {
    let low = 0;
    let high = this.timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.timers[middle];
      if (other !== undefined && isBefore(timer, other)) low = middle + 1;
      else high = middle;
    }
    this.timers.splice(low, 0, timer);
  }

  private pop(untilMs: number): Timer | undefined {
    for (;;) {
      const timer = this.timers.at(-1);
      if (timer === undefined || timer.atMs > untilMs) return undefined;
      this.timers.pop();
      if (!this.cancelled.delete(timer)) return timer;
    }
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Lets every promise that can settle do so: a macrotask runs only when no microtask is left. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** One simulated process's life: alive, paused or dead. What it waits for reaches it only while it is alive. */
export class SimProcess implements Clock {
  readonly name: string;
  /** Wall time may differ from other hosts'. */
  readonly skewMs: number;
  private readonly time: SimTime;
  private state: "alive" | "paused" | "dead" = "alive";
  private held: (() => void)[] = [];
  private readonly deathListeners: (() => void)[] = [];
  private runListeners: (() => void)[] = [];
  /** What takes the listener of each sleep off the signal that would end it. */
  private readonly sleeps = new Set<() => void>();

  constructor(time: SimTime, name: string, skewMs = 0) {
    this.time = time;
    this.name = name;
    this.skewMs = skewMs;
  }

  /** Whether it is stopped and may go on. */
  get isPaused(): boolean {
    return this.state === "paused";
  }

  /** Whether it is not dead. */
  get isAlive(): boolean {
    return this.state !== "dead";
  }

  nowMs(): number {
    return 1_700_000_000_000 + this.skewMs + Math.round(this.time.now);
  }

  monotonicMs(): number {
    return this.time.now;
  }

  after(delayMs: number, call: () => void): Cancel {
    return this.time.after(delayMs, () => this.deliver(call));
  }

  sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const forget = (): void => {
        this.sleeps.delete(forget);
        signal.removeEventListener("abort", gone);
      };
      const gone = (): void => {
        forget();
        cancel();
        reject(new TallshipError("cancelled", "sleep was cancelled"));
      };
      const cancel = this.after(delayMs, () => {
        forget();
        resolve();
      });
      if (signal.aborted) gone();
      else {
        this.sleeps.add(forget);
        signal.addEventListener("abort", gone, { once: true });
      }
    });
  }

  /** Hands something to the process: now, when it is resumed, or never. */
  deliver(call: () => void): void {
    if (this.state === "alive") call();
    else if (this.state === "paused") this.held.push(call);
  }

  /** Stops it from acting, as SIGSTOP does. */
  pause(): void {
    if (this.state === "alive") this.state = "paused";
  }

  /** Lets it go on with what it missed. */
  resume(): void {
    if (this.state !== "paused") return;
    this.state = "alive";
    const missed = this.held;
    this.held = [];
    for (const call of missed) this.deliver(call);
    this.settleRunning();
  }

  /** Resolves once it is not paused: at once, when it is resumed, or when it dies. */
  whenNotPaused(): Promise<void> {
    if (this.state !== "paused") return Promise.resolve();
    return new Promise((resolve) => this.runListeners.push(resolve));
  }

  private settleRunning(): void {
    const listeners = this.runListeners;
    this.runListeners = [];
    for (const listener of listeners) listener();
  }

  /** Ends it at once: nothing it waits for ever comes. Node keeps a combined signal that has a listener, and all that hangs on it, for ever. */
  kill(): void {
    if (this.state === "dead") return;
    this.state = "dead";
    this.held = [];
    for (const forget of [...this.sleeps]) forget();
    for (const listener of this.deathListeners.splice(0)) listener();
    this.settleRunning();
  }

  /** Calls when it is killed. */
  onDeath(listener: () => void): void {
    this.deathListeners.push(listener);
  }
}
