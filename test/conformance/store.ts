import { afterEach, beforeEach, expect, test } from "vitest";
import type { Entry, Store, StoreBatch, StoreEvent } from "../../controlplane/store/store.js";
import { hasCode } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";

/** What the suite needs of a store. */
export interface StoreBench {
  /** Another process's connection to the same cluster. */
  connect(): Promise<Store>;
  /** Lets time pass: a simulated clock moves, a real one is waited for. */
  passTime(ms: number): Promise<void>;
  /** A prefix that no other test uses. */
  readonly root: string;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (entry: Entry | undefined): string | undefined => entry && Buffer.from(entry.value).toString();
const put = (key: string, value: string) => ({ op: "put", key, value: bytes(value) }) as const;

/** Every Store passes these: `open` is called once per test and its result closed after. */
export function storeConformance(name: string, open: () => Promise<StoreBench>): void {
  let bench: StoreBench;
  let store: Store;
  let opened: Store[];
  beforeEach(async () => {
    bench = await open();
    opened = [];
    store = await connect();
  });
  afterEach(async () => {
    for (const one of opened) await one.close();
  });
  const connect = async (): Promise<Store> => {
    const made = await bench.connect();
    opened.push(made);
    return made;
  };
  const key = (path: string): string => `${bench.root}${path}`;
  const write = async (path: string, value: string): Promise<number> => {
    const result = await store.transact({ checks: [], writes: [put(key(path), value)] });
    if (result.is !== "committed") throw new Error(`write ${path}: ${result.is}`);
    return result.revision;
  };

  test(`${name}: an absent key reads as undefined`, async () => {
    expect(await store.get(key("none"))).toBeUndefined();
  });

  test(`${name}: an entry carries the revisions of its creation and of its last write`, async () => {
    const created = await write("a", "one");
    const updated = await write("a", "two");
    expect(updated).toBeGreaterThan(created);
    const entry = await store.get(key("a"));
    expect(entry).toMatchObject({ key: key("a"), revision: updated, createRevision: created });
    expect(text(entry)).toBe("two");
  });

  test(`${name}: a list is in order of key, as of one revision, and holds nothing beside the prefix`, async () => {
    for (const path of ["p/b", "p/a", "p-not", "p/c/d", "q"]) await write(path, path);
    const last = await write("p/é", "not ASCII");
    const { entries, revision } = await store.list(key("p/"));
    expect(entries.map((entry) => entry.key)).toEqual(["p/a", "p/b", "p/c/d", "p/é"].map(key));
    expect(revision).toBeGreaterThanOrEqual(last);
  });

  test(`${name}: a list of several prefixes is in order of key, and without values if only keys are asked for`, async () => {
    for (const path of ["s-events/a", "s/b", "s/a", "s-other/x"]) await write(path, path);
    const { entries } = await store.list([key("s/"), key("s-events/")], { keysOnly: true });
    expect(entries.map((entry) => entry.key)).toEqual(["s-events/a", "s/a", "s/b"].map(key));
    expect(entries.map((entry) => entry.value.length)).toEqual([0, 0, 0]);
    expect(entries.map((entry) => entry.revision)).toEqual(
      await Promise.all(["s-events/a", "s/a", "s/b"].map(async (path) => (await store.get(key(path)))?.revision)),
    );
  });

  test(`${name}: a list of several pages holds each entry once`, async () => {
    const value = bytes("x".repeat(10_000));
    for (let batch = 0; batch < 12; batch += 1) {
      const writes = Array.from({ length: 100 }, (_, at) => {
        return { op: "put", key: key(`many/${String(batch * 100 + at).padStart(5, "0")}`), value } as const;
      });
      await store.transact({ checks: [], writes });
    }
    const { entries } = await store.list(key("many/"));
    expect(entries.length).toBe(1_200);
    expect(new Set(entries.map((entry) => entry.key)).size).toBe(1_200);
    expect(entries.every((entry) => entry.value.length === 10_000)).toBe(true);
  });

  test(`${name}: all writes of a transaction have one revision, or none happens`, async () => {
    const first = await write("a", "1");
    const writes = [put(key("a"), "2"), put(key("b"), "2")];
    const done = await store.transact({ checks: [{ key: key("a"), revision: first }], writes });
    expect(done.is).toBe("committed");
    const [a, b] = [await store.get(key("a")), await store.get(key("b"))];
    expect(a?.revision).toBe(b?.revision);
    const again = await store.transact({
      checks: [
        { key: key("a"), revision: first },
        { key: key("b"), revision: b?.revision ?? 0 },
        { key: key("c"), revision: 7 },
      ],
      writes: [put(key("b"), "3")],
    });
    // The check that holds is not among the conflicts; an absent key is reported as 0.
    expect(again).toEqual({
      is: "conflict",
      conflicts: [
        { key: key("a"), revision: a?.revision },
        { key: key("c"), revision: 0 },
      ],
    });
    expect(text(await store.get(key("b")))).toBe("2");
  });

  test(`${name}: revision 0 means absent, so creating twice conflicts`, async () => {
    const create = { checks: [{ key: key("a"), revision: 0 }], writes: [put(key("a"), "x")] };
    const made = await store.transact(create);
    const found = (await store.get(key("a")))?.revision;
    expect(made).toEqual({ is: "committed", revision: found });
    expect(await store.transact(create)).toEqual({ is: "conflict", conflicts: [{ key: key("a"), revision: found }] });
  });

  test(`${name}: of many that race for one key exactly one commits`, async () => {
    const other = await connect();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        (at % 2 === 0 ? store : other).transact({
          checks: [{ key: key("race"), revision: 0 }],
          writes: [put(key("race"), String(at))],
        }),
      ),
    );
    expect(results.filter((result) => result.is === "committed")).toHaveLength(1);
  });

  test(`${name}: a guard fails once its key was made anew, whatever its last revision`, async () => {
    const createRevision = await write("leader", "one");
    await write("leader", "updated by the same holder");
    const guard = { key: key("leader"), createRevision };
    const guarded = { guard, checks: [], writes: [put(key("a"), "x")] };
    expect((await store.transact(guarded)).is).toBe("committed");
    await store.transact({ checks: [], writes: [{ op: "delete", key: key("leader") }] });
    expect(await store.transact(guarded)).toEqual({ is: "guard_failed" });
    await write("leader", "two");
    const both = { ...guarded, checks: [{ key: key("a"), revision: 1 }] };
    expect(await store.transact(both)).toEqual({ is: "guard_failed" });
  });

  test(`${name}: a transaction without effect keeps the revision`, async () => {
    const before = await write("a", "x");
    const checked = await store.transact({ checks: [{ key: key("a"), revision: before }], writes: [] });
    expect(checked).toEqual({ is: "committed", revision: before });
    const absent = await store.transact({ checks: [], writes: [{ op: "delete", key: key("none") }] });
    expect(absent).toEqual({ is: "committed", revision: before });
  });

  test(`${name}: the largest transaction is taken, a larger one is refused before it is sent`, async () => {
    const most = limit("transactionOperations");
    const paths = Array.from({ length: most }, (_, at) => key(`w/${at}`));
    const leader = await write("leader", "x");
    const full = {
      guard: { key: key("leader"), createRevision: leader },
      checks: paths.map((path) => ({ key: path, revision: 0 })),
      writes: paths.map((path) => put(path, "x")),
    };
    expect((await store.transact(full)).is).toBe("committed");
    expect((await store.transact(full)).is).toBe("conflict");
    const over = [...full.writes, put(key("one more"), "x")];
    await expect(store.transact({ checks: [], writes: over })).rejects.toMatchObject({ code: "too_large" });
    const large = { op: "put", key: key("large"), value: new Uint8Array(limit("transactionBytes")) } as const;
    await expect(store.transact({ checks: [], writes: [large] })).rejects.toMatchObject({ code: "too_large" });
    const fits = { ...large, value: new Uint8Array(limit("transactionBytes") - 1_000) };
    expect((await store.transact({ checks: [], writes: [fits] })).is).toBe("committed");
    expect((await store.get(key("large")))?.value.length).toBe(limit("transactionBytes") - 1_000);
    const twice = [put(key("a"), "1"), put(key("a"), "2")];
    await expect(store.transact({ checks: [], writes: twice })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test(`${name}: a watch delivers every later change once, in order, and only below its prefixes`, async () => {
    const before = await write("p/old", "x");
    await write("p/a", "1");
    const seen = collect(store, [key("p/"), key("q/")], before);
    await write("other/x", "not watched");
    await write("q/b", "2");
    await write("p/a", "3");
    await store.transact({ checks: [], writes: [{ op: "delete", key: key("p/a") }] });
    const last = await write("p/end", "x");
    await seen.until(last);
    expect(seen.lines(bench.root)).toEqual(["p/a=1", "q/b=2", "p/a=3", "p/a deleted", "p/end=x"]);
    await seen.stop();
  });

  test(`${name}: all changes of one revision are in one batch`, async () => {
    const before = await write("start", "x");
    const seen = collect(store, [key("t/")], before);
    let last = before;
    for (let round = 0; round < 5; round += 1) {
      const writes = Array.from({ length: 100 }, (_, at) => put(key(`t/${at}`), "y".repeat(14_000)));
      const result = await store.transact({ checks: [], writes });
      if (result.is === "committed") last = result.revision;
    }
    await seen.until(last);
    const revisions = seen.batches.map((batch) => [...new Set(batch.events.map(revisionOf))]);
    expect(revisions.flat()).toEqual([...new Set(revisions.flat())]);
    expect(seen.batches.flatMap((batch) => batch.events)).toHaveLength(500);
    for (const batch of seen.batches)
      expect(Math.max(...batch.events.map(revisionOf), 0)).toBeLessThanOrEqual(batch.revision);
    await seen.stop();
  });

  test(`${name}: a watch may start at a list's revision and misses nothing`, async () => {
    const writer = await connect();
    const writing = (async () => {
      for (let at = 0; at < 300; at += 1)
        await writer.transact({ checks: [], writes: [put(key(`l/${at}`), String(at))] });
    })();
    const { entries, revision } = await store.list(key("l/"));
    const seen = collect(store, [key("l/")], revision);
    await writing;
    await seen.until((await store.get(key("l/299")))?.revision ?? 0);
    expect(entries.length + seen.batches.flatMap((batch) => batch.events).length).toBe(300);
    await seen.stop();
  });

  test(`${name}: changes that other prefixes see move a watch's revision on`, async () => {
    const before = await write("quiet/x", "x");
    const seen = collect(store, [key("quiet/"), key("zz/")], before);
    const between = await write("r/y", "x");
    await seen.until(between);
    expect(seen.batches.flatMap((batch) => batch.events)).toEqual([]);
    await seen.stop();
  });

  test(`${name}: a watch of compacted changes fails with history_lost`, async () => {
    const first = await write("c/a", "1");
    await write("c/a", "2");
    await write("c/a", "3");
    const last = await write("c/b", "4");
    await store.compact(last);
    const lost = collect(store, [key("c/")], first - 1);
    await expect(lost.ended).rejects.toMatchObject({ code: "history_lost" });
    const seen = collect(store, [key("c/")], last);
    const after = await write("c/c", "5");
    await seen.until(after);
    expect(seen.lines(bench.root)).toEqual(["c/c=5"]);
    await seen.stop();
  });

  test(`${name}: a watch ends when its signal aborts, also one that never had a change`, async () => {
    const seen = collect(store, [key("nothing/")], await write("a", "x"));
    await seen.stop();
    expect(seen.batches.flatMap((batch) => batch.events)).toEqual([]);
  });

  test(`${name}: keys of a lease live while it is kept and vanish when it is revoked`, async () => {
    const lease = await store.lease(2_000);
    const write = { ...put(key("leased"), "x"), leaseId: lease.id };
    await store.transact({ checks: [], writes: [write] });
    await bench.passTime(4_500);
    expect(text(await store.get(key("leased")))).toBe("x");
    expect(lease.lost.aborted).toBe(false);
    await lease.revoke();
    expect(await store.get(key("leased"))).toBeUndefined();
    expect(lease.lost.aborted).toBe(true);
    await lease.revoke();
    await expect(store.transact({ checks: [], writes: [write] })).rejects.toMatchObject({
      code: "failed_precondition",
    });
  });

  test(`${name}: a holder that is gone loses its lease: first its signal, then the key`, async () => {
    const holder = await connect();
    const lease = await holder.lease(2_000);
    await holder.transact({ checks: [], writes: [{ ...put(key("leased"), "x"), leaseId: lease.id }] });
    const before = (await store.get(key("leased")))?.revision ?? 0;
    const seen = collect(store, [key("leased")], before);
    await holder.close();
    const deleted = seen.first();
    await bench.passTime(5_000);
    expect(revisionOf(await deleted)).toBeGreaterThan(before);
    expect(lease.lost.aborted).toBe(true);
    expect(await store.get(key("leased"))).toBeUndefined();
    await seen.stop();
  });

  test(`${name}: a closed store refuses calls and fails its watches`, async () => {
    const other = await connect();
    const seen = collect(other, [key("x")], await write("a", "x"));
    await other.close();
    await expect(seen.ended).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(other.get(key("a"))).rejects.toSatisfy((error) => hasCode(error, "store_unavailable"));
  });
}

/** The revision of a change. */
export function revisionOf(event: StoreEvent): number {
  return event.type === "put" ? event.entry.revision : event.revision;
}

/** A watch that runs and what it has delivered so far. */
export interface Collected {
  readonly batches: readonly StoreBatch[];
  /** Settles when the watch ends: rejects with its error. */
  readonly ended: Promise<void>;
  /** Resolves when everything up to the revision was delivered. */
  until(revision: number): Promise<void>;
  /** Resolves with the first change. */
  first(): Promise<StoreEvent>;
  /** The changes as lines, without the root. */
  lines(root: string): readonly string[];
  stop(): Promise<void>;
}

/** Starts a watch and collects what it delivers. */
export function collect(store: Store, prefixes: readonly string[], afterRevision: number): Collected {
  const batches: StoreBatch[] = [];
  const stop = new AbortController();
  const waiting = new Set<() => void>();
  const ended = (async () => {
    for await (const batch of store.watch({ prefixes, afterRevision, signal: stop.signal })) {
      batches.push(batch);
      for (const check of [...waiting]) check();
    }
  })();
  ended.catch(() => undefined);
  const wait = <T>(get: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const found = get();
        if (found === undefined) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      ended.then(() => reject(new Error("the watch has ended")), reject);
      check();
    });
  const events = (): readonly StoreEvent[] => batches.flatMap((batch) => batch.events);
  return {
    batches,
    ended,
    until: async (revision) => {
      await wait(() => ((batches.at(-1)?.revision ?? 0) >= revision ? true : undefined));
    },
    first: () => wait(() => events()[0]),
    lines: (root) =>
      events().map((event) =>
        event.type === "put"
          ? `${event.entry.key.slice(root.length)}=${text(event.entry)}`
          : `${event.key.slice(root.length)} deleted`,
      ),
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}
