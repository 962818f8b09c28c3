import { afterEach, expect, test } from "vitest";
import { encodeObject, keyOf, storeKey, type Typed } from "../kinds/object.js";
import { silentLog } from "../lib/log.js";
import { systemClock } from "../lib/system-clock.js";
import { systemRng } from "../lib/system-rng.js";
import { Deployment } from "../proto/gen/tallship/v1/deployment.js";
import { NodeStatus } from "../proto/gen/tallship/v1/node.js";
import { type RealEtcd, startEtcd } from "../test/kit/etcd.js";
import { FakeUsage } from "../test/kit/fake-usage.js";
import { nodeOf } from "../test/kit/schedule-world.js";
import { TEST_CLUSTER } from "../test/kit/test-cluster.js";
import { waitFor } from "../test/kit/wait.js";
import type { WatchCache } from "./cache/view.js";
import { startWatchCache } from "./cache/watch-cache.js";
import { lead } from "./leading.js";
import { controlPlaneMetrics } from "./metrics.js";
import type { NodeReport, NodeReports } from "./sessions/node-reports.js";
import { Election } from "./store/election.js";
import { ensureEpoch } from "./store/epoch.js";
import { etcdStore } from "./store/etcd.js";
import { Sealer } from "./store/seal.js";
import type { Store } from "./store/store.js";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const edges = { clock: systemClock, rng: systemRng, log: silentLog };

/** Nodes that always have just spoken. */
function speaking(count: number): NodeReports {
  const allocatable = { cpu: "64", memory: "256Gi", pods: "110" };
  const { status } = nodeOf({ allocatable });
  const report = (nodeName: string): NodeReport => ({
    nodeName,
    isConnected: true,
    heardAtMs: systemClock.monotonicMs(),
    bootID: "boot",
    status: status ?? NodeStatus.fromPartial({}),
    labels: {},
    everyMs: 0,
    endpointRevisionApplied: 0,
  });
  const names = Array.from({ length: count }, (_, at) => `node-${at}`);
  return {
    get: (name) => (names.includes(name) ? report(name) : undefined),
    all: () => names.map(report),
    onChange: () => () => undefined,
  };
}

interface Leader {
  readonly store: Store;
  readonly cache: WatchCache;
  readonly stop: AbortController;
}

async function startLeader(etcd: RealEtcd, id: string): Promise<Leader> {
  const store = etcdStore({ endpoints: () => [etcd.endpoint] }, edges);
  undo.push(() => store.close());
  const stop = new AbortController();
  undo.push(() => stop.abort());
  const clusterEpoch = await ensureEpoch(store, systemClock, systemRng);
  const { cache } = await startWatchCache({ ...edges, store, clusterEpoch }, stop.signal);
  const leadership = await new Election({ ...edges, store }, { id, address: "127.0.0.1:1" }).campaign(stop.signal);
  stop.signal.addEventListener("abort", () => void leadership.resign());
  const parts = {
    ...edges,
    ownName: "control",
    store,
    cache,
    reports: speaking(10),
    events: { record: () => undefined },
    metrics: controlPlaneMetrics(),
    cluster: TEST_CLUSTER,
    sealer: new Sealer(new Uint8Array(32)),
    usage: new FakeUsage(),
    sessions: { tellPolicies: () => undefined },
  };
  void lead(parts, leadership);
  return { store, cache, stop };
}

async function put(store: Store, typed: Typed): Promise<void> {
  await store.transact({
    checks: [],
    writes: [{ op: "put", key: storeKey(keyOf(typed)), value: encodeObject(typed) }],
  });
}

const deploymentOf = (replicas: number): Deployment =>
  Deployment.fromPartial({
    metadata: { name: "web", namespace: "default", uid: "web-uid", generation: 1 },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "web:1" }] } },
    },
  });

const boundCount = ({ cache }: Leader): number => cache.view.list("Pod").length - cache.view.podsOnNode("").length;

test("over etcd: 1,000 replicas become 1,000 pods, all bound, within seconds, and no node is overfull", async () => {
  const etcd = await startEtcd();
  undo.push(() => etcd.remove());
  const leader = await startLeader(etcd, "a");
  await waitFor("ten nodes have subnets", () => leader.cache.view.list("Node").length === 10);
  await put(leader.store, { kind: "Deployment", object: deploymentOf(1_000) });
  await waitFor("1,000 pods exist", () => leader.cache.view.list("Pod").length === 1_000, {
    deadlineMs: 30_000,
    everyMs: 2,
  });
  await waitFor("1,000 pods are bound", () => boundCount(leader) === 1_000, { deadlineMs: 30_000, everyMs: 2 });
  for (let at = 0; at < 10; at += 1) expect(leader.cache.view.podsOnNode(`node-${at}`).length).toBeLessThanOrEqual(110);
});
