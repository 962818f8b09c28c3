import type { Cancel, Clock } from "../lib/clock.js";
import { asTallshipError, type TallshipError } from "../lib/errors.js";

/** Runs jobs one after another, in the order they were asked for. A job that fails fails its caller only. */
export class Lane {
  private tail: Promise<unknown> = Promise.resolve();

  /** Runs the job when all before it have ended. */
  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.tail.then(job);
    this.tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves when everything asked for so far has ended. */
  async idle(): Promise<void> {
    await this.tail;
  }
}

interface Asked<T> {
  readonly values: readonly T[];
  readonly resolve: () => void;
  readonly reject: (error: TallshipError) => void;
}

/**
 * Gathers what is asked for while a batch runs into the next batch. A caller fails with the first failure among its own values, told by
 * their keys; a failure of the batch as a whole fails everyone in it.
 */
export class Batches<T> {
  private readonly lane: Lane;
  private readonly keyOf: (value: T) => string;
  private readonly work: (values: readonly T[]) => Promise<ReadonlyMap<string, TallshipError>>;
  private waiting: Asked<T>[] = [];

  constructor(
    lane: Lane,
    keyOf: (value: T) => string,
    work: (values: readonly T[]) => Promise<ReadonlyMap<string, TallshipError>>,
  ) {
    this.lane = lane;
    this.keyOf = keyOf;
    this.work = work;
  }

  /** Has the values worked on with the next batch. */
  ask(values: readonly T[]): Promise<void> {
    if (values.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiting.push({ values, resolve, reject });
      if (this.waiting.length > 1) return;
      this.lane.run(() => this.runBatch()).catch(() => undefined);
    });
  }

  private async runBatch(): Promise<void> {
    const batch = this.waiting;
    this.waiting = [];
    try {
      const failures = await this.work(batch.flatMap((asked) => asked.values));
      for (const asked of batch) {
        const failure = asked.values.map((value) => failures.get(this.keyOf(value))).find((each) => each !== undefined);
        if (failure === undefined) asked.resolve();
        else asked.reject(failure);
      }
    } catch (error) {
      for (const asked of batch) asked.reject(asTallshipError(error, "kernel_failed"));
    }
  }
}

/** Calls something again and again, each time some delay after the last call ended. */
export class Repeater {
  private readonly clock: Clock;
  private readonly call: () => Promise<number>;
  private cancel: Cancel | undefined;
  private isStopped = false;

  /** The call returns the delay until the next one, in milliseconds. It must not fail. */
  constructor(clock: Clock, call: () => Promise<number>) {
    this.clock = clock;
    this.call = call;
  }

  /** Has the next call come after the delay, instead of when it was to come. */
  schedule(delayMs: number): void {
    if (this.isStopped) return;
    this.cancel?.();
    this.cancel = this.clock.after(delayMs, () => {
      this.call().then(
        (nextMs) => this.schedule(nextMs),
        () => undefined,
      );
    });
  }

  /** No more calls begin. */
  stop(): void {
    this.isStopped = true;
    this.cancel?.();
  }
}
