import { expect, test } from "vitest";
import { inOrder } from "./in-order.js";

test("results come in order, however the work ends, and no more than the width is under way", async () => {
  let running = 0;
  let most = 0;
  const finish = new Map<number, () => void>();
  const taken: string[] = [];
  const done = inOrder([0, 1, 2, 3, 4], 2, {
    work: async (value) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => finish.set(value, resolve));
      running -= 1;
      return value * 10;
    },
    take: async (result, value) => void taken.push(`${value}:${result}`),
  });
  for (const value of [1, 0, 3, 2, 4]) {
    for (let turn = 0; turn < 100 && !finish.has(value); turn += 1) await Promise.resolve();
    finish.get(value)?.();
  }
  await done;
  expect(taken).toEqual(["0:0", "1:10", "2:20", "3:30", "4:40"]);
  expect(most).toBe(2);
});

test("a failure ends it at its place", async () => {
  const taken: number[] = [];
  const work = async (value: number): Promise<number> => {
    if (value === 1) throw new Error("one");
    return value;
  };
  const take = async (value: number): Promise<void> => void taken.push(value);
  await expect(inOrder([0, 1, 2], 3, { work, take })).rejects.toThrow("one");
  expect(taken).toEqual([0]);
});
