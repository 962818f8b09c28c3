import type { TallshipError } from "./errors.js";

/**
 * A bounded queue between a synchronous producer and one asynchronous consumer. `push` returns false when it is full:
 * the producer decides what that means. Iteration ends after `end`, or throws what `fail` was given.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  private readonly waiting: T[] = [];
  private readonly capacity: number;
  private head = 0;
  private wake: (() => void) | undefined;
  private state:
    | { readonly is: "open" }
    | { readonly is: "ended" }
    | { readonly is: "failed"; readonly error: TallshipError } = {
    is: "open",
  };

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Values not yet taken. */
  get length(): number {
    return this.waiting.length - this.head;
  }

  /** Adds a value; false when the queue is full or closed. */
  push(value: T): boolean {
    if (this.state.is !== "open" || this.length >= this.capacity) return false;
    this.waiting.push(value);
    this.signal();
    return true;
  }

  /** No more values; those waiting are still delivered. */
  end(): void {
    if (this.state.is === "open") this.state = { is: "ended" };
    this.signal();
  }

  /** No more values; what waits is dropped and the consumer gets the error. */
  fail(error: TallshipError): void {
    if (this.state.is === "open") this.state = { is: "failed", error };
    this.signal();
  }

  /** Takes all that waits, at most `most`; empty only when the queue has ended. */
  async take(most: number): Promise<readonly T[]> {
    while (this.state.is !== "failed") {
      if (this.length > 0) return this.cut(most);
      if (this.state.is === "ended") return [];
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    throw this.state.error;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      const [next] = await this.take(1);
      if (next === undefined) return;
      yield next;
    }
  }

  private cut(most: number): readonly T[] {
    const end = Math.min(this.waiting.length, this.head + most);
    const taken = this.waiting.slice(this.head, end);
    this.head = end;
    if (this.head === this.waiting.length || this.head > 1_024) {
      this.waiting.splice(0, this.head);
      this.head = 0;
    }
    return taken;
  }

  private signal(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }
}
