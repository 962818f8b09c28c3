/** Where a pump puts values. */
export interface Sink<T> {
  /** Takes a value; false asks to wait for `onceDrained`. */
  write(value: T): boolean;
  /** Calls once there is room again. */
  onceDrained(call: () => void): void;
}

/**
 * Moves all values of a source into a sink, one at a time, waiting while the sink is full. Resolves at the source's end or as soon as the signal
 * aborts, even while the source is silent; the source is then told to stop. Rejects with the source's error.
 */
export function pump<T>(source: AsyncIterable<T>, sink: Sink<T>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const iterator = source[Symbol.asyncIterator]();
    let isOver = false;
    const finish = (settle: () => void): void => {
      if (isOver) return;
      isOver = true;
      signal.removeEventListener("abort", stop);
      settle();
    };
    const stop = (): void => {
      finish(resolve);
      // A generator that waits answers only later, or never; nobody waits for it.
      Promise.resolve(iterator.return?.()).catch(() => undefined);
    };
    const take = (): void => {
      if (isOver) return;
      iterator.next().then(
        (next) => {
          if (isOver) return;
          if (next.done === true) finish(resolve);
          else if (sink.write(next.value)) take();
          else sink.onceDrained(take);
        },
        (error: unknown) => finish(() => reject(error)),
      );
    };
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    take();
  });
}
