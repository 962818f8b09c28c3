import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { Cached, View, WatchCache } from "../../controlplane/cache/view.js";
import { startWatchCache } from "../../controlplane/cache/watch-cache.js";
import type { Controller } from "../../controlplane/controllers/controller.js";
import { Runner, type RunnerDeps } from "../../controlplane/controllers/runner.js";
import type { Notice } from "../../controlplane/events/notice.js";
import { leaderPlanner } from "../../controlplane/leader-writer.js";
import { type ControlPlaneMetrics, controlPlaneMetrics } from "../../controlplane/metrics.js";
import { ensureEpoch } from "../../controlplane/store/epoch.js";
import { META } from "../../controlplane/store/keys.js";
import { MemoryStore } from "../../controlplane/store/memory.js";
import { MemoryEtcd } from "../../controlplane/store/memory-etcd.js";
import type { Guard, Transaction, TransactionResult } from "../../controlplane/store/store.js";
import { encodeObject, keyOf, type ObjectKey, storeKey, type Typed } from "../../kinds/object.js";
import type { KindMap, KindName } from "../../kinds/registry.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { ManualClock } from "./manual-clock.js";

/** Sees the leader's transactions before the store does. */
export interface Gate {
  /** What it returns is the answer instead of the store's. May throw, as a store that is away does. */
  before: (transaction: Transaction) => TransactionResult | undefined;
}

/** The leader's half of a control plane over a store in memory and a clock that the test moves. */
export interface ControlWorld {
  readonly clock: ManualClock;
  readonly store: MemoryStore;
  readonly gate: Gate;
  readonly cache: WatchCache;
  readonly view: View;
  readonly metrics: ControlPlaneMetrics;
  readonly notices: Notice[];
  readonly guard: Guard;
  readonly stop: AbortController;
  /** How often a runner found that it was deposed. */
  readonly depositions: () => number;
  /** What a runner or a scheduling loop of this leader needs. */
  readonly deps: RunnerDeps;
  /** Starts controllers, until the world or the signal stops. */
  run(controllers: readonly Controller[], signal?: AbortSignal): void;
  /** Writes an object as a user would, whatever stands there, and lets happen what follows at once. */
  put(typed: Typed): Promise<void>;
  drop(key: ObjectKey): Promise<void>;
  /** Changes an object that must be there. */
  edit<K extends KindName>(kind: K, name: string, change: (object: KindMap[K]) => KindMap[K]): Promise<void>;
  /** Lets the clock run until nothing is written for a while. */
  converge(forMs?: number): Promise<void>;
}

/** A world with a leader elected and nothing in it. */
export async function controlWorld(seed = 1): Promise<ControlWorld> {
  const clock = new ManualClock();
  const etcd = new MemoryEtcd();
  const store = new MemoryStore(clock, etcd);
  const rng = seededRng(seed);
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const clusterEpoch = await ensureEpoch(store, clock, rng);
  await store.transact({ checks: [], writes: [{ op: "put", key: META.leader, value: new Uint8Array() }] });
  const elected = await store.get(META.leader);
  const guard = { key: META.leader, createRevision: elected?.createRevision ?? 0 };
  const { cache } = await startWatchCache({ store, clock, rng, log: silentLog, clusterEpoch }, stop.signal);
  const metrics = controlPlaneMetrics();
  const notices: Notice[] = [];
  const gate: Gate = { before: () => undefined };
  const gated = { transact: async (each: Transaction) => gate.before(each) ?? store.transact(each) };
  let depositions = 0;
  const writeDirectly = async (writes: Transaction["writes"]): Promise<void> => {
    const result = await store.transact({ checks: [], writes });
    if (result.is !== "committed") throw new Error(`test write: ${result.is}`);
    await clock.advance(0);
  };
  const put = (typed: Typed): Promise<void> =>
    writeDirectly([{ op: "put", key: storeKey(keyOf(typed)), value: encodeObject(typed) }]);
  const deps: RunnerDeps = {
    cache,
    planner: leaderPlanner(gated, guard, cache.view),
    events: { record: (notice: Notice) => void notices.push(notice) },
    clock,
    rng,
    log: silentLog,
    metrics,
    onDeposed: () => {
      depositions += 1;
    },
  };
  const world: ControlWorld = {
    clock,
    store,
    gate,
    cache,
    view: cache.view,
    metrics,
    notices,
    guard,
    stop,
    depositions: () => depositions,
    deps,
    run: (controllers, signal = stop.signal) => new Runner(controllers, deps, signal).start(),
    put,
    drop: (key) => writeDirectly([{ op: "delete", key: storeKey(key) }]),
    edit: async (kind, name, change) => {
      const namespace = ["Node", "Namespace", "Image"].includes(kind) ? "" : "default";
      const object = cache.view.get(kind, namespace, name);
      if (object === undefined) throw new Error(`test edit: no ${kind}/${name}`);
      // A kind and an object of that kind make a Typed.
      await put({ kind, object: change(object) } as unknown as Typed);
    },
    converge: async (forMs = 250) => {
      for (let turn = 0; turn < 1_000; turn += 1) {
        const { revision } = cache.view;
        await clock.advance(forMs);
        if (cache.view.revision === revision) return;
      }
      throw new Error("the world does not come to rest");
    },
  };
  return world;
}

/** Names content in tests. */
export function contentDigest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Names of what is listed, in order. */
export function namesOf(list: readonly Cached[]): readonly string[] {
  return list.map(({ object }) => object.metadata?.name ?? "");
}
