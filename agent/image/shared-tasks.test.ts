import { expect, test } from "vitest";
import { SharedTasks } from "./shared-tasks.js";

function deferred(): { promise: Promise<string>; resolve: (value: string) => void; reject: (error: Error) => void } {
  let resolve: (value: string) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<string>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

const forever = new AbortController().signal;

test("equal work is started once, other work apart", async () => {
  const tasks = new SharedTasks<string>();
  const work = deferred();
  let startCount = 0;
  const start = (): Promise<string> => {
    startCount += 1;
    return work.promise;
  };
  const all = [tasks.join("a", forever, start), tasks.join("a", forever, start), tasks.join("b", forever, start)];
  work.resolve("done");
  expect(await Promise.all(all)).toEqual(["done", "done", "done"]);
  expect(startCount).toBe(2);
});

test("work that has ended is not remembered, whether well or not", async () => {
  const tasks = new SharedTasks<string>();
  await expect(tasks.join("a", forever, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await tasks.join("a", forever, () => Promise.resolve("one"))).toBe("one");
  expect(await tasks.join("a", forever, () => Promise.resolve("two"))).toBe("two");
});

test("a failure reaches all who wait", async () => {
  const tasks = new SharedTasks<string>();
  const work = deferred();
  const all = [1, 2].map(() => tasks.join("a", forever, () => work.promise));
  work.reject(new Error("broken"));
  for (const each of all) await expect(each).rejects.toThrow("broken");
});

test("the work is aborted when the last gives up, and whoever comes then starts anew once it has ended", async () => {
  const tasks = new SharedTasks<string>();
  const work = deferred();
  const [one, other] = [new AbortController(), new AbortController()];
  let seen: AbortSignal | undefined;
  const start = (signal: AbortSignal): Promise<string> => {
    seen = signal;
    return work.promise;
  };
  const waits = [one, other].map(({ signal }) =>
    expect(tasks.join("a", signal, start)).rejects.toMatchObject({ code: "cancelled" }),
  );
  one.abort();
  await waits[0];
  expect(seen?.aborted).toBe(false);
  other.abort();
  await waits[1];
  expect(seen?.aborted).toBe(true);
  let hasBegun = false;
  const again = tasks.join("a", forever, async () => {
    hasBegun = true;
    return "new";
  });
  const impatient = new AbortController();
  const late = expect(tasks.join("b", impatient.signal, start)).rejects.toMatchObject({ code: "cancelled" });
  impatient.abort();
  await late;
  expect(hasBegun).toBe(false);
  work.reject(new Error("aborted"));
  expect(await again).toBe("new");
  await expect(tasks.join("a", one.signal, start)).rejects.toMatchObject({ code: "cancelled" });
});
