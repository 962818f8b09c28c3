import { setMaxListeners } from "node:events";
import type { ObjectsDeps } from "../controlplane/api/objects-deps.js";
import { WatchHub } from "../controlplane/api/watch/watch-hub.js";
import { watchObjects } from "../controlplane/api/watch/watch-objects.js";
import type { WatchCache } from "../controlplane/cache/view.js";
import { startWatchCache } from "../controlplane/cache/watch-cache.js";
import { leaderPlanner } from "../controlplane/leader-writer.js";
import { controlPlaneMetrics } from "../controlplane/metrics.js";
import { SchedulingLoop } from "../controlplane/scheduling/scheduling-loop.js";
import { ensureEpoch } from "../controlplane/store/epoch.js";
import { etcdStore } from "../controlplane/store/etcd.js";
import { META } from "../controlplane/store/keys.js";
import type { Store, Write } from "../controlplane/store/store.js";
import { encodeObject, keyOf, storeKey, type Typed } from "../kinds/object.js";
import { rfc3339 } from "../lib/clock.js";
import { silentLog } from "../lib/log.js";
import { systemClock } from "../lib/system-clock.js";
import { systemRng } from "../lib/system-rng.js";
import { Selection, WatchEvent_Type, WatchRequest } from "../proto/gen/tallship/v1/api.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { startEtcd } from "../test/kit/etcd.js";
import { nodeOf } from "../test/kit/schedule-world.js";
import { waitFor } from "../test/kit/wait.js";
import { type Bench, type BenchContext, percentile } from "./harness.js";

/**
 * Binds from end to end: the scheduling loop decides, writes to a real etcd, and one watcher per node sees its pods by the API's own watches. All
 * but etcd is one process; the watches cross no network.
 */
export const bind: Bench = {
  name: "bind",
  summary: "pods bound per second through etcd to hollow agents, and how long one takes at 1,000 creates a second",
  goals: [
    { metric: "binds_s", op: ">=", bound: 5_000, stage: "full" },
    { metric: "create_to_bound_p99_ms", op: "<=", bound: 300, stage: "full" },
  ],
  run,
};

const CREATES_PER_S = 1_000;
/** Creates that share a transaction; so many transactions a second make the rate. */
const CREATES_AT_ONCE = 10;
const IN_FLIGHT = 8;

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const [nodeCount, podCount, seconds] = context.isQuick ? [200, 4_000, 3] : [1_000, 20_000, 10];
  const etcd = await startEtcd();
  const store = etcdStore({ endpoints: () => [etcd.endpoint] }, { clock: systemClock, rng: systemRng, log: silentLog });
  const stop = new AbortController();
  // One listener for each node's watch.
  setMaxListeners(0, stop.signal);
  try {
    const nodes = Array.from({ length: nodeCount }, (_, at) => `node-${at}`);
    await writeAll(store, nodes.map(nodeWrite));
    await writeAll(
      store,
      Array.from({ length: podCount }, (_, at) => podWrite(`wait-${at}`)),
    );
    const cache = await cacheOf(store, stop.signal);
    const seenAt = new Map<string, number>();
    for (const name of nodes) void watchNode(cache, name, { seenAt, signal: stop.signal });
    context.report(`${podCount} pods wait, ${nodeCount} nodes watch`);
    const guard = await leadership(store);
    const startedAt = performance.now();
    new SchedulingLoop(
      {
        ...{ cache, clock: systemClock, rng: systemRng, log: silentLog, metrics: controlPlaneMetrics() },
        planner: leaderPlanner(store, guard, cache.view),
        events: { record: () => undefined },
        onDeposed: () => undefined,
      },
      stop.signal,
    ).start();
    await waitFor("all binds", () => seenAt.size === podCount, { deadlineMs: 120_000, everyMs: 5 });
    const binds_s = (podCount * 1_000) / (performance.now() - startedAt);
    context.report(`${CREATES_PER_S} creates a second`);
    const tookMs = await createSteadily(store, seenAt, seconds);
    return {
      binds_s,
      create_to_bound_p50_ms: percentile(tookMs, 50),
      create_to_bound_p99_ms: percentile(tookMs, 99),
    };
  } finally {
    stop.abort();
    await store.close();
    await etcd.remove();
  }
}

async function cacheOf(store: Store, signal: AbortSignal): Promise<WatchCache> {
  const clusterEpoch = await ensureEpoch(store, systemClock, systemRng);
  const deps = { store, clock: systemClock, rng: systemRng, log: silentLog, clusterEpoch };
  return (await startWatchCache(deps, signal)).cache;
}

async function leadership(store: Store): Promise<{ readonly key: string; readonly createRevision: number }> {
  await store.transact({ checks: [], writes: [{ op: "put", key: META.leader, value: new Uint8Array() }] });
  const elected = await store.get(META.leader);
  return { key: META.leader, createRevision: elected?.createRevision ?? 0 };
}

interface Seeing {
  /** When a pod's bind was seen, by the pod's name. */
  readonly seenAt: Map<string, number>;
  readonly signal: AbortSignal;
}

/** A hollow agent: sees the pods of its node and does nothing with them. */
async function watchNode(cache: WatchCache, name: string, { seenAt, signal }: Seeing): Promise<void> {
  const hub: ObjectsDeps["hub"] = hubOf(cache);
  const selections = [Selection.fromPartial({ kind: "Pod" })];
  const identity = { role: "node", name } as const;
  const context = { identity, signal, peer: name };
  for await (const { events } of watchObjects({ cache, hub }, WatchRequest.fromPartial({ selections }), context))
    for (const { type, name: pod } of events)
      if (type === WatchEvent_Type.PUT && pod !== undefined && !seenAt.has(pod.name))
        seenAt.set(pod.name, performance.now());
}

const hubs = new WeakMap<WatchCache, WatchHub>();

function hubOf(cache: WatchCache): WatchHub {
  const known = hubs.get(cache) ?? new WatchHub(cache, systemClock);
  hubs.set(cache, known);
  return known;
}

/** Milliseconds from each create to the sight of its bind, at a steady rate whatever becomes of those before. */
async function createSteadily(
  store: Store,
  seenAt: ReadonlyMap<string, number>,
  seconds: number,
): Promise<readonly number[]> {
  const count = seconds * CREATES_PER_S;
  const sentAt = new Map<string, number>();
  const startedAt = performance.now();
  for (let at = 0; at < count; at += CREATES_AT_ONCE) {
    const dueMs = (at / CREATES_PER_S) * 1_000 - (performance.now() - startedAt);
    if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
    const writes = Array.from({ length: CREATES_AT_ONCE }, (_, n) => podWrite(`steady-${at + n}`));
    for (let n = 0; n < CREATES_AT_ONCE; n += 1) sentAt.set(`steady-${at + n}`, performance.now());
    void store.transact({ checks: [], writes });
  }
  const isSeen = (): boolean => [...sentAt.keys()].every((name) => seenAt.has(name));
  await waitFor("the last binds", isSeen, { deadlineMs: 60_000, everyMs: 20 });
  return [...sentAt].map(([name, atMs]) => (seenAt.get(name) ?? 0) - atMs);
}

async function writeAll(store: Store, writes: readonly Write[]): Promise<void> {
  const parts = Array.from({ length: Math.ceil(writes.length / 100) }, (_, at) =>
    writes.slice(at * 100, (at + 1) * 100),
  ).values();
  const lane = async (): Promise<void> => {
    for (const part of parts) await store.transact({ checks: [], writes: part });
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

function nodeWrite(name: string): Write {
  return put({ kind: "Node", object: nodeOf({ name, allocatable: { cpu: "64", memory: "256Gi", pods: "250" } }) });
}

/** Ten kinds of pods, as workloads make them. */
function podWrite(name: string): Write {
  const kind = name.length * 31 + Number(name.slice(name.lastIndexOf("-") + 1));
  return put({
    kind: "Pod",
    object: Pod.fromPartial({
      metadata: {
        name,
        namespace: "default",
        uid: name,
        creationTimestamp: rfc3339(systemClock.nowMs()),
        labels: { app: `app-${kind % 10}` },
        ownerReferences: [{ kind: "ReplicaSet", name: "r", uid: `owner-${kind % 10}`, controller: true }],
      },
      spec: {
        containers: [
          {
            name: "main",
            image: "web:1",
            resources: { requests: { cpu: `${100 + (kind % 10) * 10}m`, memory: "64Mi" } },
          },
        ],
      },
      status: { phase: "Pending" },
    }),
  });
}

function put(typed: Typed): Write {
  return { op: "put", key: storeKey(keyOf(typed)), value: encodeObject(typed) };
}
