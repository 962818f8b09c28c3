/**
 * Works on values, at most `width` at a time, and hands the results on in the order of the values, each as soon as it and all before it are
 * there. The first failure of either ends it; what is under way is let run out.
 */
export async function inOrder<T, R>(
  values: readonly T[],
  width: number,
  steps: { readonly work: (value: T) => Promise<R>; readonly take: (result: R, value: T) => Promise<void> },
): Promise<void> {
  const running: Promise<R>[] = [];
  let started = 0;
  for (const value of values) {
    while (started < values.length && running.length < width) {
      // `started` is below the length.
      const work = steps.work(values[started] as T);
      // A failure is taken up when its turn comes.
      work.catch(() => undefined);
      running.push(work);
      started += 1;
    }
    const next = running.shift();
    if (next !== undefined) await steps.take(await next, value);
  }
}
