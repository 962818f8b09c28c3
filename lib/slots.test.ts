import { expect, test } from "vitest";
import { Slots } from "./slots.js";

const forever = new AbortController().signal;

test("no more tasks run at once than there are slots, and they begin in order", async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = [0, 1, 2, 3].map((at) =>
    slots.run(forever, () => {
      begun.push(at);
      return new Promise<void>((resolve) => ends.push(resolve));
    }),
  );
  await Promise.resolve();
  for (const want of [2, 3, 4, 4]) {
    expect(begun.length).toBe(want);
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(all);
  expect(begun).toEqual([0, 1, 2, 3]);
});

test("a task that fails gives its slot back", async () => {
  const slots = new Slots(1);
  await expect(slots.run(forever, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await slots.run(forever, () => Promise.resolve("yes"))).toBe("yes");
});

test("who gives up waiting takes no slot", async () => {
  const slots = new Slots(1);
  let end = (): void => undefined;
  const first = slots.run(forever, () => new Promise<void>((resolve) => (end = resolve)));
  const abort = new AbortController();
  const second = expect(slots.run(abort.signal, () => Promise.resolve())).rejects.toMatchObject({ code: "cancelled" });
  const third = slots.run(forever, () => Promise.resolve("third"));
  abort.abort();
  await second;
  end();
  await first;
  expect(await third).toBe("third");
  await expect(slots.run(abort.signal, () => Promise.resolve())).rejects.toMatchObject({ code: "cancelled" });
});
