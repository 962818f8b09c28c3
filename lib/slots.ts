import { TallshipError } from "./errors.js";

/** Lets at most so many tasks run at once; the others wait in the order they came. */
export class Slots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(count: number) {
    this.free = count;
  }

  /** Runs the task when a slot is free. Rejects with `cancelled` when the signal aborts before that. */
  async run<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    await this.taken(signal);
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next(); // The slot goes on to the next without becoming free.
    }
  }

  private taken(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(new TallshipError("cancelled", "waiting for a slot was cancelled"));
    if (this.free > 0) {
      this.free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(mine), 1);
        reject(new TallshipError("cancelled", "waiting for a slot was cancelled"));
      };
      const mine = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      this.waiting.push(mine);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}
