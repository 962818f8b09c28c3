import { afterEach, expect, test } from "vitest";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { type ApiBench, openApiBench } from "../../../test/kit/api-bench.js";
import type { Store } from "../../store/store.js";
import { packParts } from "./pack.js";
import type { Decision, Task } from "./task.js";
import { runTasks } from "./writer.js";

let bench: ApiBench;
afterEach(() => bench?.close());

const signal = new AbortController().signal;
const write = (key: string, revision: number, value = "x"): Decision => ({
  is: "write",
  checks: [{ key, revision }],
  writes: [{ op: "put", key, value: Buffer.from(value) }],
});
const key = (name: string): string => `/tallship/meta/taken/test/${name}`;

/** A task that puts a record, whatever stands there. */
const putTask = (name: string): Task => ({
  decide: (reads) => write(key(name), reads.record(key(name))?.revision ?? 0),
});

const counted = (onCall: (calls: number) => void) => {
  let calls = 0;
  return (store: Store): Store => ({
    ...store,
    transact: (transaction) => {
      calls += 1;
      onCall(calls);
      return store.transact(transaction);
    },
  });
};

test("a task that loses a race is decided again, and only it", async () => {
  bench = await openApiBench();
  await bench.store.transact({ checks: [], writes: [{ op: "put", key: key("b"), value: Buffer.from("taken") }] });
  const decisions: string[] = [];
  const tasks = ["a", "b", "c"].map(
    (name): Task => ({
      decide: (reads, attempt) => {
        decisions.push(`${name}${attempt}`);
        return putTask(name).decide(reads, attempt);
      },
    }),
  );
  const settled = await runTasks(bench.deps, tasks, signal);
  expect(settled.map(({ is }) => is)).toEqual(["written", "written", "written"]);
  expect(decisions).toEqual(["a0", "b0", "c0", "b1"]);
});

test("a task that loses every race gives up with version_conflict", async () => {
  bench = await openApiBench();
  const restless: Task = { decide: () => write(key("a"), 999_999) };
  const [settled] = await runTasks(bench.deps, [restless], signal);
  expect(settled).toMatchObject({ is: "failed", error: { code: "version_conflict" } });
});

test("a refusal stands only once what it rests on was read from the store", async () => {
  bench = await openApiBench();
  await bench.store.transact({ checks: [], writes: [{ op: "put", key: key("a"), value: Buffer.from("there") }] });
  const task: Task = {
    decide: (reads) =>
      reads.record(key("a")) === undefined
        ? { is: "refuse", error: new TallshipError("not_found", "no a"), doubt: [key("a")] }
        : write(key("b"), 0),
  };
  expect((await runTasks(bench.deps, [task], signal)).map(({ is }) => is)).toEqual(["written"]);
});

test("a decision that throws fails its own task", async () => {
  bench = await openApiBench();
  const broken: Task = {
    decide: () => {
      throw new Error("bug");
    },
  };
  const settled = await runTasks(bench.deps, [broken, putTask("a")], signal);
  expect(settled.map(({ is }) => is)).toEqual(["failed", "written"]);
});

test("two tasks that write one key are two transactions, in their order", async () => {
  bench = await openApiBench();
  const named = (value: string): Task => ({
    decide: (reads) => write(key("a"), reads.record(key("a"))?.revision ?? 0, value),
  });
  const settled = await runTasks(bench.deps, [named("first"), named("second")], signal);
  expect(settled.map(({ is }) => is)).toEqual(["written", "written"]);
});

test("once the store does not answer, nothing more is sent, and all that is left fails with that", async () => {
  let [sent, before] = [0, Number.POSITIVE_INFINITY];
  bench = await openApiBench({
    wrap: counted((calls) => {
      sent = calls;
      if (calls > before + 5) throw new TallshipError("store_unavailable", "etcd does not answer");
    }),
  });
  before = sent;
  const tasks = Array.from({ length: 3_000 }, (_, at) => putTask(String(at)));
  const settled = await runTasks(bench.deps, tasks, signal);
  const written = settled.filter(({ is }) => is === "written").length;
  expect(written % limit("transactionObjects")).toBe(0);
  expect(settled.filter((each) => each.is === "failed" && each.error.code === "store_unavailable")).toHaveLength(
    3_000 - written,
  );
  expect(sent - before).toBeLessThanOrEqual(5 + limit("apiTransactionsInFlight"));
});

test("a transaction that is too large fails for itself", async () => {
  bench = await openApiBench();
  const large: Task = { decide: () => write(key("large"), 0, "x".repeat(2_000_000)) };
  const settled = await runTasks(bench.deps, [putTask("a"), large, putTask("b")], signal);
  expect(settled.map(({ is }) => is)).toEqual(["written", "failed", "written"]);
});

test("packParts keeps every bound of a transaction, and the order", () => {
  const part = (name: string, bytes: number, checks: readonly { key: string; revision: number }[] = []) => ({
    name,
    checks: [{ key: name, revision: 0 }, ...checks],
    writes: [{ op: "put", key: name, value: Buffer.alloc(bytes) } as const],
  });
  const sizes = (parts: readonly ReturnType<typeof part>[]) => packParts(parts).map((batch) => batch.parts.length);
  expect(sizes(Array.from({ length: 250 }, (_, at) => part(`k${at}`, 10)))).toEqual([100, 100, 50]);
  expect(sizes(Array.from({ length: 4 }, (_, at) => part(`k${at}`, 600_000)))).toEqual([2, 2]);
  expect(sizes([part("a", 1), part("a", 1)])).toEqual([1, 1]);
  const home = (revision: number) => [{ key: "home", revision }];
  expect(sizes([part("a", 1, home(1)), part("b", 1, home(1)), part("c", 1, home(2))])).toEqual([2, 1]);
  const shared = packParts([part("a", 1, home(1)), part("b", 1, home(1))])[0];
  expect(shared?.transaction.checks).toHaveLength(3);
  const many = Array.from({ length: 60 }, (_, at) => ({ key: `t${at}`, revision: 0 }));
  const other = Array.from({ length: 70 }, (_, at) => ({ key: `u${at}`, revision: 0 }));
  expect(sizes([part("a", 1, many), part("b", 1, other)])).toEqual([1, 1]);
  expect(packParts([])).toEqual([]);
});
