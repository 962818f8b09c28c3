import { TallshipError } from "../../lib/errors.js";

interface Running<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * Makes equal work that is asked for at the same time one. The work is aborted when the last of those who wait gives up; whoever asks for it again then waits until it has let go of what it
 * held, since the same files would be written by two.
 */
export class SharedTasks<T> {
  private readonly running = new Map<string, Running<T>>();
  /** Work that was given up and has not ended yet. */
  private readonly ending = new Map<string, Promise<unknown>>();

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
        if (this.running.get(key) === running) this.giveUp(key, running);
      }
    }
  }

  private started(key: string, start: (signal: AbortSignal) => Promise<T>): Running<T> {
    const abort = new AbortController();
    const running = { result: this.begun(key, abort.signal, start), abort, waiting: 0 };
    const forget = (): void => {
      if (this.running.get(key) === running) this.running.delete(key);
    };
    running.result.then(forget, forget);
    this.running.set(key, running);
    return running;
  }

  private async begun(key: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const before = this.ending.get(key);
    if (before === undefined) return start(signal);
    await before;
    if (signal.aborted) throw cancelled(key);
    return start(signal);
  }

  private giveUp(key: string, { result }: Running<T>): void {
    this.running.delete(key);
    const ended = result.then(
      () => undefined,
      () => undefined,
    );
    this.ending.set(key, ended);
    void ended.then(() => {
      if (this.ending.get(key) === ended) this.ending.delete(key);
    });
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
