/**
 * Turns a function over many values into one over a single value: while a call is under way, further values wait and go together in the
 * next one. Values keep their order. A batch that fails is tried value by value, so that one bad value does not fail its neighbours.
 */
export function inBatches<T>(call: (values: readonly T[]) => Promise<void>): (value: T) => Promise<void> {
  interface Waiter {
    readonly value: T;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiter[] = [];
  let isBusy = false;

  const single = async ({ value, resolve, reject }: Waiter): Promise<void> => call([value]).then(resolve, reject);
  const together = async (batch: readonly Waiter[]): Promise<void> => {
    try {
      await call(batch.map(({ value }) => value));
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(error);
      else for (const waiter of batch) await single(waiter);
      return;
    }
    for (const { resolve } of batch) resolve();
  };
  const drain = async (): Promise<void> => {
    isBusy = true;
    await Promise.resolve(); // What is asked for in this very turn of the loop goes along.
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await together(batch);
    }
    isBusy = false;
  };

  return (value) =>
    new Promise((resolve, reject) => {
      waiting.push({ value, resolve, reject });
      if (!isBusy) void drain();
    });
}
