import { expect, test } from "vitest";
import { LatestSave } from "./latest-save.js";

/** Writes that end when the test says so. */
function disk() {
  const written: number[] = [];
  const waiting: { readonly end: () => void; readonly fail: () => void }[] = [];
  let value = 0;
  const save = new LatestSave(() => {
    written.push(value);
    return new Promise((end, fail) => waiting.push({ end, fail: () => fail(new Error("no room")) }));
  });
  const change = (): Promise<void> => {
    value += 1;
    save.changed();
    return save.saved();
  };
  /** Lets promises go on until a write is under way. */
  const next = async () => {
    for (let turn = 0; turn < 10 && waiting.length === 0; turn += 1) await Promise.resolve();
    return waiting.shift();
  };
  return { save, written, change, next };
}

test("changes that come while a write is under way are one write, and each waits for its own", async () => {
  const { written, change, next } = disk();
  const ended: number[] = [];
  const all = [1, 2, 3].map((number) => change().then(() => ended.push(number)));
  (await next())?.end();
  await Promise.all(all);
  expect(written).toEqual([3]);
  const first = change();
  const under = await next();
  const later = [change(), change()];
  under?.end();
  await first;
  (await next())?.end();
  await Promise.all(later);
  expect(written).toEqual([3, 4, 6]);
});

test("who waits for a write that fails is told, and the next who asks has it tried again, though nothing changed", async () => {
  const { save, written, change, next } = disk();
  const failed = change();
  (await next())?.fail();
  await expect(failed).rejects.toMatchObject({ code: "disk_failed" });
  const again = save.saved();
  (await next())?.end();
  await again;
  await save.saved();
  expect(written).toEqual([1, 1]);
});
