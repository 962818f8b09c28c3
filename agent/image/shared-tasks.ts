import { TallshipError } from "../../lib/errors.js";

interface Running<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

/** Makes equal work that is asked for at the same time one. The work is aborted when the last of those who wait gives up. */
export class SharedTasks<T> {
  private readonly running = new Map<string, Running<T>>();

  /** Starts the work or joins it. Rejects with `cancelled` when the caller's signal aborts; the others go on waiting. */
  async join(key: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (signal.aborted) throw cancelled(key);
    const running = this.running.get(key) ?? this.started(key, start);
    running.waiting += 1;
    const { promise: gone, reject } = withReject();
    const leave = (): void => reject(cancelled(key));
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([running.result, gone]);
    } finally {
      signal.removeEventListener("abort", leave);
      running.waiting -= 1;
      if (running.waiting === 0) {
        running.abort.abort();
        if (this.running.get(key) === running) this.running.delete(key);
      }
    }
  }

  private started(key: string, start: (signal: AbortSignal) => Promise<T>): Running<T> {
    const abort = new AbortController();
    const running = { result: start(abort.signal), abort, waiting: 0 };
    const forget = (): void => {
      if (this.running.get(key) === running) this.running.delete(key);
    };
    running.result.then(forget, forget);
    this.running.set(key, running);
    return running;
  }
}

function withReject(): { promise: Promise<never>; reject: (error: TallshipError) => void } {
  let reject: (error: TallshipError) => void = () => undefined;
  const promise = new Promise<never>((_, no) => {
    reject = no;
  });
  return { promise, reject };
}

function cancelled(key: string): TallshipError {
  return new TallshipError("cancelled", `${key} was cancelled`);
}
