import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { encodeObject, storeKey } from "../../kinds/object.js";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { type RealEtcd, startEtcd } from "../../test/kit/etcd.js";
import { waitFor } from "../../test/kit/wait.js";
import { ensureEpoch } from "../store/epoch.js";
import { etcdStore } from "../store/etcd.js";
import type { Store } from "../store/store.js";
import type { WatchCache } from "./view.js";
import { startWatchCache } from "./watch-cache.js";

let etcd: RealEtcd;
const stop = new AbortController();
const opened: Store[] = [];
beforeAll(async () => {
  etcd = await startEtcd();
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
afterAll(async () => {
  stop.abort();
  await etcd.remove();
});

function connect(): Store {
  const endpoints = [etcd.endpoint];
  const store = etcdStore({ endpoints: () => endpoints }, { clock: systemClock, rng: systemRng, log: silentLog });
  opened.push(store);
  return store;
}

async function start(store: Store): Promise<WatchCache> {
  const clusterEpoch = await ensureEpoch(store, systemClock, systemRng);
  const deps = { store, clock: systemClock, rng: systemRng, log: silentLog, clusterEpoch };
  return (await startWatchCache(deps, stop.signal)).cache;
}

function write(namespace: string, at: number, value: string) {
  const name = `m-${String(at).padStart(4, "0")}`;
  const object = ConfigMap.fromPartial({ metadata: { name, namespace }, data: { value } });
  const key = storeKey({ kind: "ConfigMap", namespace, name });
  return { op: "put", key, value: encodeObject({ kind: "ConfigMap", object }) } as const;
}

async function equals(cache: WatchCache, store: Store, namespace: string): Promise<void> {
  const { entries, revision } = await store.list(storeKey({ kind: "ConfigMap", namespace, name: "" }));
  await waitFor("the cache to reach the store", () => cache.view.revision >= revision);
  expect(
    cache.view.list("ConfigMap", namespace).map((cached) => [cached.object.metadata?.name, cached.revision]),
  ).toEqual(entries.map((entry) => [entry.key.split("/").at(-1), entry.revision]));
}

test("a cache equals the store after every restart of etcd, and delivered each change once", async () => {
  const store = connect();
  const cache = await start(store);
  const seen: number[] = [];
  cache.subscribe(({ changes }) => seen.push(...changes.map(({ revision }) => revision)));
  for (let round = 0; round < 3; round += 1) {
    const writer = connect();
    for (let at = 0; at < 100; at += 1)
      await writer.transact({
        checks: [],
        writes: [write("restarts", at, `${round}`), write("restarts", at + 100, "x")],
      });
    await etcd.kill();
    await etcd.start();
  }
  await waitFor("etcd to answer", () => store.list("/none"));
  await equals(cache, store, "restarts");
  expect(seen).toHaveLength(600);
  expect([...seen].sort((a, b) => a - b)).toEqual(seen);
});

test("what was compacted while etcd was cut off arrives as differences", async () => {
  const store = connect();
  const cache = await start(store);
  const writer = connect();
  const put = (at: number) => writer.transact({ checks: [], writes: [write("compacted", at, "1")] });
  for (let at = 0; at < 10; at += 1) await put(at);
  await waitFor("the cache to follow", () => cache.view.list("ConfigMap", "compacted").length === 10);
  await etcd.kill();
  await etcd.start();
  await waitFor("etcd to answer", () => writer.list("/none"));
  const gone = storeKey({ kind: "ConfigMap", namespace: "compacted", name: "m-0003" });
  await writer.transact({ checks: [], writes: [{ op: "delete", key: gone }] });
  const last = await put(11);
  if (last.is === "committed") await writer.compact(last.revision);
  await equals(cache, store, "compacted");
});
