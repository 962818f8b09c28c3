import { afterEach, expect, test } from "vitest";
import { encodeObject, storeKey } from "../../kinds/object.js";
import { limit } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { ManualClock, settle } from "../../test/kit/manual-clock.js";
import { controlPlaneMetrics } from "../metrics.js";
import { ensureEpoch } from "../store/epoch.js";
import { META } from "../store/keys.js";
import { MemoryStore } from "../store/memory.js";
import { MemoryEtcd } from "../store/memory-etcd.js";
import type { Store } from "../store/store.js";
import type { CacheBatch } from "./view.js";
import { startWatchCache } from "./watch-cache.js";

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

const keyFor = (name: string) => storeKey({ kind: "ConfigMap", namespace: "default", name });

function world() {
  const clock = new ManualClock();
  const etcd = new MemoryEtcd();
  const store = new MemoryStore(clock, etcd);
  const write = async (name: string, value: string): Promise<number> => {
    const object = ConfigMap.fromPartial({
      metadata: { name, namespace: "default", resourceVersion: "77" },
      data: { value },
    });
    const bytes = encodeObject({ kind: "ConfigMap", object });
    const put = { op: "put", key: keyFor(name), value: bytes } as const;
    const result = await store.transact({ checks: [], writes: [put] });
    if (result.is !== "committed") throw new Error(result.is);
    return result.revision;
  };
  const remove = (name: string) => store.transact({ checks: [], writes: [{ op: "delete", key: keyFor(name) }] });
  return { clock, etcd, store, write, remove };
}

async function start(clock: ManualClock, store: Store) {
  const stop = new AbortController();
  stops.push(stop);
  const rng = seededRng(1);
  const clusterEpoch = await ensureEpoch(store, clock, rng);
  const metrics = controlPlaneMetrics();
  const deps = { store, clock, rng, log: silentLog, clusterEpoch, metrics };
  const { cache, ended } = await startWatchCache(deps, stop.signal);
  const batches: CacheBatch[] = [];
  cache.subscribe((batch) => batches.push(batch));
  const lines = (): readonly string[] =>
    batches.flatMap(({ changes }) =>
      changes.map(({ key, before, after }) => `${key.name} ${before?.revision ?? 0}>${after?.revision ?? 0}`),
    );
  const values = (): readonly string[] =>
    cache.view.list("ConfigMap").map(({ object }) => `${object.metadata?.name}=${object.data["value"]}`);
  return { cache, ended, stop, batches, lines, values, metrics };
}

/** A store whose watches leave out the changes of one key. */
function losing(store: Store, lost: string): Store {
  return {
    get: (key) => store.get(key),
    list: (prefixes, options) => store.list(prefixes, options),
    transact: (transaction) => store.transact(transaction),
    lease: (ttlMs) => store.lease(ttlMs),
    compact: (revision) => store.compact(revision),
    close: () => store.close(),
    async *watch(options) {
      for await (const { events, revision } of store.watch(options))
        yield {
          events: events.filter((event) => (event.type === "put" ? event.entry.key : event.key) !== lost),
          revision,
        };
    },
  };
}

test("the view holds what was there before and follows what changes after", async () => {
  const { clock, store, write, remove } = world();
  const first = await write("old", "1");
  const { cache, lines, values } = await start(clock, store);
  expect(values()).toEqual(["old=1"]);
  const second = await write("new", "2");
  const third = await write("old", "3");
  await settle();
  await remove("new");
  await settle();
  expect(values()).toEqual(["old=3"]);
  expect(lines()).toEqual([`new 0>${second}`, `old ${first}>${third}`, `new ${second}>0`]);
  expect(cache.view.revision).toBe(third + 1);
});

test("resourceVersion comes from the store's revision, and the bytes stay as stored", async () => {
  const { clock, store, write } = world();
  const revision = await write("a", "1");
  const { cache } = await start(clock, store);
  const cached = cache.view.cached("ConfigMap", "default", "a");
  expect(cached?.object.metadata?.resourceVersion).toBe(String(revision));
  expect(cached?.bytes).toEqual((await store.get(keyFor("a")))?.value);
});

test("a listener finds the whole revision in the view when it is called", async () => {
  const { clock, store } = world();
  const { cache } = await start(clock, store);
  const found: number[] = [];
  cache.subscribe(({ revision }) => found.push(cache.view.list("ConfigMap").length, cache.view.revision - revision));
  const writes = ["a", "b", "c"].map((name) => {
    const object = ConfigMap.fromPartial({ metadata: { name, namespace: "default" } });
    return { op: "put", key: keyFor(name), value: encodeObject({ kind: "ConfigMap", object }) } as const;
  });
  await store.transact({ checks: [], writes });
  await settle();
  expect(found).toEqual([3, 0]);
});

test("a revision is waited for, and too_new is the answer when it does not come in time", async () => {
  const { clock, store, write } = world();
  const { cache, stop } = await start(clock, store);
  const next = cache.view.revision + 1;
  const waiting = cache.waitFor(next, stop.signal);
  await write("a", "1");
  await waiting;
  await cache.waitFor(next, stop.signal);
  const late = expect(cache.waitFor(next + 1, stop.signal)).rejects.toMatchObject({ code: "too_new" });
  await clock.advance(limit("minRevisionWaitMs"));
  await late;
  const gone = expect(cache.waitFor(next + 1, stop.signal)).rejects.toMatchObject({ code: "cancelled" });
  stop.abort();
  await gone;
});

test("writes that are no objects move the revision on", async () => {
  const { clock, store } = world();
  const { cache, stop } = await start(clock, store);
  await store.transact({ checks: [], writes: [{ op: "put", key: `${META.tokens}x`, value: new Uint8Array() }] });
  await cache.waitFor(cache.view.revision + 1, stop.signal);
});

test("a watch resumes from the history, and learns when it is forgotten", async () => {
  const { clock, store, write } = world();
  const { cache } = await start(clock, store);
  const from = cache.view.revision;
  for (const name of ["a", "b", "c"]) await write(name, "1");
  await settle();
  const names = (after: number) =>
    cache.batchesAfter(after)?.flatMap(({ changes }) => changes.map(({ key }) => key.name));
  expect(names(from)).toEqual(["a", "b", "c"]);
  expect(names(from + 2)).toEqual(["c"]);
  expect(names(from - 1)).toBeUndefined();
});

test("history that the store lost arrives as differences, also a delete", async () => {
  const { clock, etcd, store, write } = world();
  const writer = new MemoryStore(clock, etcd);
  await write("kept", "1");
  await write("gone", "1");
  const { cache, lines, values, stop } = await start(clock, store);
  store.setReachable(false);
  const change = async (name: string, value?: string) => {
    const object = ConfigMap.fromPartial({ metadata: { name, namespace: "default" }, data: { value: value ?? "" } });
    const write =
      value === undefined
        ? ({ op: "delete", key: keyFor(name) } as const)
        : ({ op: "put", key: keyFor(name), value: encodeObject({ kind: "ConfigMap", object }) } as const);
    await writer.transact({ checks: [], writes: [write] });
  };
  await change("gone");
  await change("made", "2");
  await change("made", "3");
  etcd.compact(etcd.revision);
  store.setReachable(true);
  await cache.waitFor(etcd.revision, stop.signal);
  expect(values()).toEqual(["kept=1", "made=3"]);
  expect(lines().map((line) => line.split(" ")[0])).toEqual(["made", "gone"]);
});

test("a change that the watch lost is found by comparing and delivered", async () => {
  const { clock, store, write, remove } = world();
  await write("x", "1");
  const { values, batches, cache, metrics } = await start(clock, losing(store, keyFor("x")));
  await write("x", "2");
  await write("y", "1");
  await settle();
  expect(values()).toEqual(["x=1", "y=1"]);
  const before = cache.view.revision;
  await clock.advance(limit("cacheCompareMs") + limit("cacheCompareAgainMs"));
  expect(values()).toEqual(["x=2", "y=1"]);
  expect(batches.at(-1)?.changes.map(({ key }) => key.name)).toEqual(["x"]);
  // Whoever resumes at the revision it saw gets the change too.
  expect(cache.batchesAfter(before)).toEqual([batches.at(-1)]);
  await remove("x");
  await clock.advance(limit("cacheCompareMs") + limit("cacheCompareAgainMs"));
  expect(values()).toEqual(["y=1"]);
  const text = await metrics.registry.metrics();
  expect(text).toContain('tallship_cache_relists_total{reason="changes_lost"} 2');
  expect(text).toContain('tallship_cache_objects{kind="ConfigMap"} 1');
  expect(text).toContain(`tallship_cache_revision ${cache.view.revision}`);
});

test("comparing a cache that lost nothing delivers nothing", async () => {
  const { clock, store, write } = world();
  const { batches } = await start(clock, store);
  await write("a", "1");
  await clock.advance(10 * limit("cacheCompareMs"));
  expect(batches).toHaveLength(1);
});

test("another epoch ends the cache", async () => {
  const { clock, etcd, store } = world();
  const { ended } = await start(clock, store);
  etcd.transact({ checks: [], writes: [{ op: "put", key: META.epoch, value: new Uint8Array() }] });
  await expect(ended).rejects.toMatchObject({ code: "failed_precondition" });
});

test("a store that went back to an earlier revision ends the cache", async () => {
  const { clock, store } = world();
  let isRestored = false;
  const restored: Store = {
    ...losing(store, ""),
    list: async (prefixes, options) => {
      const listing = await store.list(prefixes, options);
      return isRestored ? { ...listing, revision: listing.revision - 1 } : listing;
    },
  };
  const { ended } = await start(clock, restored);
  isRestored = true;
  await clock.advance(limit("cacheCompareMs") + limit("cacheCompareAgainMs"));
  await expect(ended).rejects.toMatchObject({ code: "failed_precondition" });
});

test("a value that cannot be read is passed over and the rest follows", async () => {
  const { clock, store, write } = world();
  const { values, lines, metrics } = await start(clock, store);
  const broken = { op: "put", key: keyFor("x"), value: Uint8Array.of(255, 255, 255) } as const;
  const before = await write("x", "1");
  await store.transact({ checks: [], writes: [broken] });
  const after = await write("a", "1");
  await settle();
  expect(values()).toEqual(["a=1"]);
  expect(lines()).toEqual([`x 0>${before}`, `x ${before}>0`, `a 0>${after}`]);
  // Nothing was missed, so that comparing does not list anew again and again.
  await clock.advance(3 * limit("cacheCompareMs"));
  expect(await metrics.registry.metrics()).not.toContain("tallship_cache_relists_total{");
  const mended = await write("x", "2");
  await settle();
  expect(lines().at(-1)).toBe(`x 0>${mended}`);
});

test("a store that is away at the start is waited for; the end of the signal ends all", async () => {
  const { clock, store } = world();
  const clusterEpoch = await ensureEpoch(store, clock, seededRng(1));
  store.setReachable(false);
  const stop = new AbortController();
  const starting = startWatchCache({ store, clock, rng: seededRng(1), log: silentLog, clusterEpoch }, stop.signal);
  await clock.advance(10_000);
  store.setReachable(true);
  await clock.advance(5_000);
  const { ended } = await starting;
  stop.abort();
  await ended;
  expect(clock.timerCount).toBe(0);
});
