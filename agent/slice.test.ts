import { expect, test } from "vitest";
import { ManualClock } from "../test/kit/manual-clock.js";
import { Slice } from "./slice.js";

/** So many pieces of work that take three milliseconds each; how many began in each slice. */
async function begunIn(count: number, sliceMs: number): Promise<readonly number[]> {
  const manual = new ManualClock();
  let spentMs = 0;
  const clock = {
    nowMs: () => manual.nowMs(),
    monotonicMs: () => manual.monotonicMs() + spentMs,
    after: (delayMs: number, call: () => void) => manual.after(delayMs, call),
    sleep: (delayMs: number, signal: AbortSignal) => manual.sleep(delayMs, signal),
  };
  let left = count;
  const begun: number[] = [];
  const begin = (): void => {
    begun.push(0);
    while (left > 0 && slice.mayBegin()) {
      left -= 1;
      spentMs += 3;
      begun.push((begun.pop() ?? 0) + 1);
    }
  };
  const slice = new Slice({ clock, sliceMs, onNext: begin });
  begin();
  for (let turn = 0; turn < count + 2; turn += 1) await manual.advance(1);
  expect(manual.timerCount).toBe(0);
  return begun;
}

test("what is ready all at once begins in slices, and nothing goes on once all has begun", async () => {
  expect(await begunIn(10, 8)).toEqual([3, 3, 3, 1, 0]);
});

test("a little work begins at once", async () => {
  expect(await begunIn(2, 8)).toEqual([2, 0]);
});
