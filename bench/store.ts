import { Etcd3 } from "etcd3";
import type { Cached, View } from "../controlplane/cache/view.js";
import { startWatchCache } from "../controlplane/cache/watch-cache.js";
import { ensureEpoch } from "../controlplane/store/epoch.js";
import { etcdStore } from "../controlplane/store/etcd.js";
import type { Store } from "../controlplane/store/store.js";
import { encodeObject, storeKey } from "../kinds/object.js";
import { silentLog } from "../lib/log.js";
import { systemClock } from "../lib/system-clock.js";
import { systemRng } from "../lib/system-rng.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { type RealEtcd, startEtcd } from "../test/kit/etcd.js";
import { type Bench, type BenchContext, median } from "./harness.js";

/** What the store and the watch cache cost over a bare etcd client, on one etcd on loopback without TLS. */
export const store: Bench = {
  name: "store",
  summary: "transactions and watches through the store over a bare etcd client's, and the watch cache's own speed",
  goals: [
    { metric: "txn_ratio", op: ">=", bound: 0.9, stage: "first" },
    { metric: "watch_ratio", op: ">=", bound: 0.8, stage: "first" },
    { metric: "cache_load10k_ms", op: "<=", bound: 1_000, stage: "first" },
    { metric: "cache_list10k_ms", op: "<=", bound: 1, stage: "first" },
  ],
  run,
};

const VALUE = Buffer.alloc(1_024, 7);
const IN_FLIGHT = 64;

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const etcd = await startEtcd();
  const endpoints = [etcd.endpoint];
  const made = etcdStore({ endpoints: () => endpoints }, { clock: systemClock, rng: systemRng, log: silentLog });
  try {
    const rounds = context.isQuick ? 1 : 3;
    const writes = await measureWrites(made, etcd, rounds, context.isQuick ? 2_000 : 10_000);
    context.report("watches");
    const watches = await measureWatches(made, etcd, rounds, context.isQuick ? 10_000 : 50_000);
    context.report("the watch cache with 10,000 pods");
    return { ...writes, ...watches, ...(await measureCache(made)) };
  } finally {
    await made.close();
    await etcd.remove();
  }
}

function bareClient(etcd: RealEtcd): Etcd3 {
  // Without it a watch that catches up breaks at 4 MiB.
  return new Etcd3({ hosts: `http://${etcd.endpoint}`, grpcOptions: { "grpc.max_receive_message_length": -1 } });
}

/** Operations per second while `inFlight` run at a time. */
async function rate(count: number, inFlight: number, one: (at: number) => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await one(at);
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return (count * 1_000) / (performance.now() - startedAt);
}

async function measureWrites(made: Store, etcd: RealEtcd, rounds: number, count: number) {
  const client = bareClient(etcd);
  const bare = (at: number): Promise<unknown> => {
    const key = Buffer.from(`/bare/${at}`);
    return client.kv.txn({
      compare: [{ key, target: "Create", result: "Greater", create_revision: -1 }],
      success: [{ request_put: { key, value: VALUE } }],
      failure: [],
    });
  };
  const ours = (at: number): Promise<unknown> =>
    made.transact({ checks: [], writes: [{ op: "put", key: `/ours/${at}`, value: VALUE }] });
  const batch = (at: number): Promise<unknown> => {
    const writes = batchOf(at);
    return made.transact({ checks: writes.map(({ key }) => ({ key, revision: 0 })), writes });
  };
  const found = { bare: [] as number[], ours: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    found.bare.push(await rate(count, IN_FLIGHT, bare));
    found.ours.push(await rate(count, IN_FLIGHT, ours));
  }
  const txn_s = median(found.ours);
  const bare_txn_s = median(found.bare);
  const txn100_ops_s = 100 * (await rate(count / 100, 8, batch));
  client.close();
  return { txn_s, bare_txn_s, txn_ratio: txn_s / bare_txn_s, txn100_ops_s };
}

/** Events per second of a watch that is live while transactions of 100 are written. */
async function measureWatches(made: Store, etcd: RealEtcd, rounds: number, count: number) {
  const client = bareClient(etcd);
  const found = { bare: [] as number[], ours: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    found.bare.push(await liveRate(made, count, (from) => bareWatch(client, from, count)));
    found.ours.push(await liveRate(made, count, (from) => ourWatch(made, from, count)));
  }
  const watch_events_s = median(found.ours);
  const bare_watch_events_s = median(found.bare);
  const listedAt = performance.now();
  const { entries } = await made.list("/batch/");
  const list10k_ms = ((performance.now() - listedAt) * 10_000) / entries.length;
  client.close();
  const watch_ratio = watch_events_s / bare_watch_events_s;
  return { watch_events_s, bare_watch_events_s, watch_ratio, list10k_ms };
}

async function liveRate(made: Store, count: number, watch: (from: number) => Promise<void>): Promise<number> {
  const { revision } = await made.list("/none/");
  const startedAt = performance.now();
  const watching = watch(revision);
  await rate(count / 100, 8, (at) => made.transact({ checks: [], writes: batchOf(at) }));
  await watching;
  return (count * 1_000) / (performance.now() - startedAt);
}

/** A hundred writes. */
function batchOf(at: number) {
  return Array.from({ length: 100 }, (_, n) => ({ op: "put", key: `/batch/${at * 100 + n}`, value: VALUE }) as const);
}

async function bareWatch(client: Etcd3, from: number, events: number): Promise<void> {
  const stream = await client.watchClient.watch();
  stream.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    let count = 0;
    stream.on("data", (response) => {
      count += response.events.length;
      if (count >= events) resolve();
    });
    stream.write({ create_request: { key: Buffer.from("/"), range_end: Buffer.from("0"), start_revision: from + 1 } });
  });
  stream.cancel();
}

async function ourWatch(made: Store, from: number, events: number): Promise<void> {
  let seen = 0;
  const signal = new AbortController().signal;
  for await (const batch of made.watch({ prefixes: ["/"], afterRevision: from, signal })) {
    seen += batch.events.length;
    if (seen >= events) break;
  }
}

async function measureCache(made: Store) {
  const names = Array.from({ length: 10_000 }, (_, at) => `pod-${at}`);
  for (let at = 0; at < names.length; at += 100)
    await made.transact({ checks: [], writes: names.slice(at, at + 100).map((name) => podWrite(name, "")) });
  const stop = new AbortController();
  const startedAt = performance.now();
  const clusterEpoch = await ensureEpoch(made, systemClock, systemRng);
  const deps = { store: made, clock: systemClock, rng: systemRng, log: silentLog, clusterEpoch };
  const { cache, ended } = await startWatchCache(deps, stop.signal);
  const cache_load10k_ms = performance.now() - startedAt;
  const list = (view: View): readonly Cached<"Pod">[] => view.list("Pod");
  const changedAt = performance.now();
  for (let at = 0; at < names.length; at += 100)
    await made.transact({ checks: [], writes: names.slice(at, at + 100).map((name) => podWrite(name, "n1")) });
  const { revision } = await made.list("/tallship/meta/");
  while (cache.view.revision < revision) await cache.waitFor(revision, stop.signal).catch(() => undefined);
  const cache_update10k_ms = performance.now() - changedAt;
  const last = await made.transact({ checks: [], writes: [podWrite("pod-1", "n2")] });
  if (last.is === "committed") await cache.waitFor(last.revision, stop.signal);
  const listedAt = performance.now();
  if (list(cache.view).length !== names.length) throw new Error("the cache lacks pods");
  const cache_list10k_ms = performance.now() - listedAt;
  stop.abort();
  await ended;
  return { cache_load10k_ms, cache_update10k_ms, cache_list10k_ms };
}

function podWrite(name: string, nodeName: string) {
  const object = Pod.fromPartial({
    metadata: {
      name,
      namespace: "default",
      uid: name,
      labels: { app: "web", tier: "front" },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "u", controller: true }],
    },
    spec: { nodeName, containers: [{ name: "main", image: "web:1", command: ["serve"] }] },
  });
  const key = storeKey({ kind: "Pod", namespace: "default", name });
  return { op: "put", key, value: encodeObject({ kind: "Pod", object }) } as const;
}
