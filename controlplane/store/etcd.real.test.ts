import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { electionConformance } from "../../test/conformance/election.js";
import { collect, storeConformance } from "../../test/conformance/store.js";
import { freePort, type RealEtcd, startEtcd } from "../../test/kit/etcd.js";
import { waitFor } from "../../test/kit/wait.js";
import { etcdStore } from "./etcd.js";
import type { Store, StoreEvent } from "./store.js";

let etcd: RealEtcd;
const opened: Store[] = [];
beforeAll(async () => {
  etcd = await startEtcd();
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
afterAll(() => etcd.remove());

function connect(...endpoints: readonly string[]): Store {
  const store = etcdStore({ endpoints: () => endpoints }, { clock: systemClock, rng: systemRng, log: silentLog });
  opened.push(store);
  return store;
}

let lastRoot = 0;
function newRoot(): string {
  lastRoot += 1;
  return `/test-${lastRoot}/`;
}

storeConformance("etcd", async () => ({
  connect: async () => connect(etcd.endpoint),
  passTime: (ms) => systemClock.sleep(ms, new AbortController().signal),
  root: newRoot(),
}));

electionConformance("etcd", async () => ({
  clock: systemClock,
  connect: async () => connect(etcd.endpoint),
  passTime: (ms) => systemClock.sleep(ms, new AbortController().signal),
}));

const indexOf = (event: StoreEvent): number => (event.type === "put" ? Number(event.entry.key.split("/").at(-1)) : -1);

/** Writes keys root/0 … root/count−1, one revision each, in order; returns the revisions before the first and of the last. */
async function fill(
  store: Store,
  root: string,
  count: number,
): Promise<{ readonly before: number; readonly last: number }> {
  const before = (await store.list(root)).revision;
  const value = Buffer.alloc(1_024);
  let last = before;
  for (let at = 0; at < count; at += 1) {
    const result = await store.transact({ checks: [], writes: [{ op: "put", key: `${root}${at}`, value }] });
    if (result.is === "committed") last = result.revision;
  }
  return { before, last };
}

test("two restarts of etcd while a watch catches up lose and double nothing", async () => {
  const store = connect(etcd.endpoint);
  const root = newRoot();
  const { before, last } = await fill(store, root, 5_000);
  const seen: number[] = [];
  const restartAt = [700, 2_500];
  for await (const { events, revision } of store.watch({
    prefixes: [root],
    afterRevision: before,
    signal: new AbortController().signal,
  })) {
    seen.push(...events.map(indexOf));
    if (seen.length >= (restartAt[0] ?? Number.POSITIVE_INFINITY)) {
      restartAt.shift();
      await etcd.kill();
      await etcd.start();
    }
    if (revision >= last) break;
  }
  expect(restartAt).toEqual([]);
  expect(seen).toEqual(Array.from({ length: 5_000 }, (_, at) => at));
});

test("a watch that follows live survives restarts while others write", async () => {
  const store = connect(etcd.endpoint);
  const root = newRoot();
  const { before } = await fill(store, root, 1);
  const seen = collect(store, [root], before);
  let last = 0;
  for (let round = 1; round <= 3; round += 1) {
    const written = await fill(connect(etcd.endpoint), `${root}${round}/`, 50);
    last = written.last;
    await etcd.kill();
    await etcd.start();
  }
  await seen.until(last);
  const keys = seen.batches
    .flatMap(({ events }) => events)
    .map((event) => (event.type === "put" ? event.entry.key : ""));
  expect(keys).toHaveLength(151);
  expect(new Set(keys).size).toBe(151);
  await seen.stop();
});

test("calls fail with store_unavailable while etcd is away, and work again without a new store", async () => {
  const store = connect(etcd.endpoint);
  const root = newRoot();
  await fill(store, root, 1);
  await etcd.kill();
  await expect(store.get(root)).rejects.toMatchObject({ code: "store_unavailable" });
  const write = { op: "put", key: `${root}x`, value: Buffer.from("x") } as const;
  await expect(store.transact({ checks: [], writes: [write] })).rejects.toMatchObject({ code: "store_unavailable" });
  await etcd.start();
  const entry = await waitFor("the store to answer", () => store.get(`${root}0`));
  expect(entry.value.length).toBe(1_024);
});

test("history compacted while a watch was disconnected is reported as lost", async () => {
  const store = connect(etcd.endpoint);
  const root = newRoot();
  const { before } = await fill(store, root, 20);
  const signal = new AbortController().signal;
  const watch = store.watch({ prefixes: [root], afterRevision: before, signal })[Symbol.asyncIterator]();
  expect((await watch.next()).done).toBe(false);
  // The watch connects again only when it is asked for more.
  await etcd.kill();
  await etcd.start();
  const other = connect(etcd.endpoint);
  const later = await fill(other, `${root}later/`, 5);
  await other.compact(later.last);
  const drained = (async () => {
    while (!(await watch.next()).done);
  })();
  await expect(drained).rejects.toMatchObject({ code: "history_lost" });
});

test("a lease outlives a restart of etcd that is shorter than its time", async () => {
  const store = connect(etcd.endpoint);
  const root = newRoot();
  const lease = await store.lease(5_000);
  const write = { op: "put", key: root, value: Buffer.from("x"), leaseId: lease.id } as const;
  await store.transact({ checks: [], writes: [write] });
  await etcd.kill();
  await etcd.start();
  await systemClock.sleep(6_000, new AbortController().signal);
  expect(lease.lost.aborted).toBe(false);
  expect(await store.get(root)).toBeDefined();
  await lease.revoke();
});

test("the holder of a lease is told before etcd lets the key go, while etcd is frozen", async () => {
  const store = connect(etcd.endpoint);
  const lease = await store.lease(2_000);
  const startMs = performance.now();
  etcd.signal("SIGSTOP");
  try {
    await waitFor("the lease to be lost", () => lease.lost.aborted, { deadlineMs: 3_000 });
    expect(performance.now() - startMs).toBeLessThan(2_000);
  } finally {
    etcd.signal("SIGCONT");
  }
});

test("a call to an etcd that is frozen ends at its deadline", async () => {
  const store = connect(etcd.endpoint);
  await store.get("/x");
  etcd.signal("SIGSTOP");
  try {
    // A call that was under way when the signal came may still be answered.
    const refused = waitFor("a call to fail", () =>
      store.get("/x").then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    await expect(refused).resolves.toMatchObject({
      code: expect.stringMatching(/deadline_exceeded|store_unavailable/),
    });
  } finally {
    etcd.signal("SIGCONT");
  }
  expect(await waitFor("the store to answer", async () => (await store.list("/none")).revision)).toBeGreaterThan(0);
});

test("an endpoint that is away is given up for the next", async () => {
  const store = connect(`127.0.0.1:${await freePort()}`, etcd.endpoint);
  await expect(store.get("/x")).rejects.toMatchObject({ code: "store_unavailable" });
  expect(await store.get("/x")).toBeUndefined();
});

test("a value that etcd refuses does not disturb the calls after it", async () => {
  const store = connect(etcd.endpoint);
  const root = newRoot();
  const over = { op: "put", key: `${root}x`, value: new Uint8Array(1_499_000) } as const;
  const results = await Promise.allSettled(
    Array.from({ length: 5 }, () => store.transact({ checks: [], writes: [over] })),
  );
  expect(results.every(({ status }) => status === "fulfilled")).toBe(true);
  expect(await store.get(`${root}none`)).toBeUndefined();
});
