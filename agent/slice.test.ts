import { expect, test } from "vitest";
import { ManualClock, settle } from "../test/kit/manual-clock.js";
import { Slice } from "./slice.js";

/** So many pieces of work that take three milliseconds each are ready all at once; which of them ran in each turn of the loop. */
async function ranIn(count: number, sliceMs: number): Promise<readonly (readonly number[])[]> {
  let spentMs = 0;
  let calls: (() => void)[] = [];
  const slice = new Slice({
    clock: { monotonicMs: () => spentMs },
    sliceMs,
    nextTurn: (call) => void calls.push(call),
  });
  const turns: number[][] = [[]];
  const piece = async (number: number): Promise<void> => {
    await slice.begin();
    // It begins with the answer to a question, as a pod's turn does: what it takes shows only afterwards.
    await Promise.resolve();
    spentMs += 3;
    turns.at(-1)?.push(number);
  };
  const all = Promise.all(Array.from({ length: count }, (_, at) => piece(at)));
  await settle();
  while (calls.length > 0) {
    turns.push([]);
    const now = calls;
    calls = [];
    for (const call of now) {
      call();
      await settle();
    }
  }
  await all;
  return turns;
}

test("one piece of work begins at once", async () => {
  expect((await ranIn(1, 8))[0]).toEqual([0]);
});

test("what is ready all at once begins in its order, and others have their turn after each slice", async () => {
  const turns = await ranIn(10, 8);
  expect(turns.flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(turns.map(({ length }) => length).filter((length) => length > 0)).toEqual([1, 3, 3, 3]);
});

test("where no time passes while work is done, all begins at once", async () => {
  const slice = new Slice({ clock: new ManualClock(), sliceMs: 8 });
  const begun: number[] = [];
  for (const number of [0, 1, 2]) void slice.begin().then(() => begun.push(number));
  await settle();
  expect(begun).toEqual([0, 1, 2]);
});
