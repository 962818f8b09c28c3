import type { TallshipError } from "../errors.js";

/** What a pipe tells its producer. */
export interface PipeProducer {
  /** The consumer has taken what waited: the producer may go on after a false from push. */
  readonly onRoom?: () => void;
  /** The consumer wants no more: it left its loop. */
  readonly onLeft?: () => void;
}

type Ending = { readonly error: TallshipError | undefined };

/**
 * Values on their way from one producer to one consumer, in order. `push` takes every value and returns false from the mark on: the producer
 * pauses until `onRoom`. An ending is seen after all values before it; it happens once, later ones are ignored.
 */
export class Pipe<T> implements AsyncIterableIterator<T> {
  private readonly mark: number;
  private readonly producer: PipeProducer;
  private values: T[] = [];
  private ending: Ending | undefined;
  private hasLeft = false;
  private isPaused = false;
  private waiting:
    | { readonly resolve: (result: IteratorResult<T>) => void; readonly reject: (error: unknown) => void }
    | undefined;

  constructor(mark: number, producer: PipeProducer = {}) {
    this.mark = mark;
    this.producer = producer;
  }

  /** Hands a value over; false asks the producer to pause. Dropped once the pipe has ended. */
  push(value: T): boolean {
    if (this.ending !== undefined || this.hasLeft) return false;
    const waiting = this.waiting;
    if (waiting !== undefined) {
      this.waiting = undefined;
      waiting.resolve({ done: false, value });
      return true;
    }
    this.values.push(value);
    this.isPaused ||= this.values.length >= this.mark;
    return !this.isPaused;
  }

  /** No more values; with an error, the consumer gets it after those that wait. */
  end(error?: TallshipError): void {
    if (this.ending !== undefined) return;
    this.ending = { error };
    const waiting = this.waiting;
    this.waiting = undefined;
    if (waiting === undefined) return;
    if (error === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(error);
  }

  next(): Promise<IteratorResult<T>> {
    const [value] = this.values.splice(0, 1);
    if (value !== undefined) {
      this.giveRoom();
      return Promise.resolve({ done: false, value });
    }
    if (this.hasLeft) return Promise.resolve({ done: true, value: undefined });
    if (this.ending?.error !== undefined) return Promise.reject(this.ending.error);
    if (this.ending !== undefined) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<T>> {
    if (!this.hasLeft) {
      this.hasLeft = true;
      this.values = [];
      this.producer.onLeft?.();
    }
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this;
  }

  private giveRoom(): void {
    if (!this.isPaused || this.values.length > 0) return;
    this.isPaused = false;
    this.producer.onRoom?.();
  }
}
