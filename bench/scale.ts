import { setMaxListeners } from "node:events";
import { decodeObject, encodeObject, type Typed } from "../kinds/object.js";
import { hasCode } from "../lib/errors.js";
import { issueKeyPair } from "../lib/pki/issue.js";
import { systemClock } from "../lib/system-clock.js";
import { systemRng } from "../lib/system-rng.js";
import { mutableCredentials } from "../lib/transport/credentials.js";
import { grpcDialer } from "../lib/transport/grpc-dialer.js";
import { organizationOf } from "../lib/transport/peer-identity.js";
import type { Dialer } from "../lib/transport/service.js";
import { Selection } from "../proto/gen/tallship/v1/api.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { waitFor } from "../test/kit/wait.js";
import { type ApiClient, apiClient } from "./api-client.js";
import { type Bench, type BenchContext, pause, percentile } from "./harness.js";
import { cpuMs, pssMib } from "./proc.js";
import { HollowAgent } from "./scale/hollow-agent.js";
import { type OwnControlPlane, startControlPlane } from "./scale/own-control-plane.js";

/**
 * A large cluster of hollow agents: each has a certificate and a connection of its own, says that it lives twice a second and watches its pods. The
 * control plane and etcd are processes as they are shipped; all agents are one more.
 */
export const scale: Bench = {
  name: "scale",
  summary: "5,000 hollow agents and 50,000 pods over real connections: what they see, and what the control plane takes",
  goals: [
    { metric: "nodes", op: ">=", bound: 5_000, stage: "full" },
    { metric: "pods", op: ">=", bound: 50_000, stage: "full" },
    { metric: "watch_p99_ms", op: "<=", bound: 1_000, stage: "full" },
    { metric: "controlplane_mb", op: "<=", bound: 2_000, stage: "full" },
  ],
  run,
};

/** Pods of one Deployment. */
const REPLICAS = 1_000;
const CONNECTING_AT_ONCE = 16;
/** Pods that are made one by one, and how many a second. */
const SINGLES = 1_000;
const SINGLES_PER_S = 100;
const DAY_MS = 86_400_000;
const MOST_TRIES = 20;
const AGAIN_MS = 100;

async function run({ isQuick, report }: BenchContext): Promise<Readonly<Record<string, number>>> {
  const [nodeCount, podCount] = isQuick ? [500, 5_000] : [5_000, 50_000];
  const plane = await startControlPlane();
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const api = apiClient(plane);
  try {
    const seenAt = new Map<string, number>();
    const onPod = (name: string): void => {
      if (!seenAt.has(name)) seenAt.set(name, performance.now());
    };
    await waitFor("the control plane to serve", async () => (await readyCount(api)) === 0, { deadlineMs: 60_000 });
    const connectedAt = performance.now();
    const agents = Array.from({ length: nodeCount }, (_, at) => {
      const name = `node-${String(at).padStart(5, "0")}`;
      return new HollowAgent({
        name,
        dialer: dialerOf(plane, name),
        address: plane.address,
        onPod,
        signal: stop.signal,
      });
    });
    await startAll(agents);
    await waitFor("every node to be Ready", async () => (await readyCount(api)) >= nodeCount, slow);
    const connect_s = (performance.now() - connectedAt) / 1_000;
    report(`${nodeCount} nodes are Ready after ${connect_s.toFixed(1)} s`);
    const appliedAt = performance.now();
    await applyDeployments(api, podCount / REPLICAS);
    await waitFor("all pods to be seen by their nodes", () => seenAt.size >= podCount, slow);
    const pods_s = (performance.now() - appliedAt) / 1_000;
    report(`${podCount} pods were made, bound and seen by their nodes in ${pods_s.toFixed(1)} s`);
    await pause(5_000);
    const before = { cpuMs: cpuMs(plane.pid), atMs: performance.now() };
    await pause(isQuick ? 5_000 : 20_000);
    const controlplane_rest_pct = (100 * (cpuMs(plane.pid) - before.cpuMs)) / (performance.now() - before.atMs);
    const tookMs = await makeSingles(api, seenAt, nodeCount);
    return {
      nodes: await readyCount(api),
      pods: seenAt.size - SINGLES,
      watch_p50_ms: percentile(tookMs, 50),
      watch_p99_ms: percentile(tookMs, 99),
      controlplane_mb: pssMib(plane.pid),
      controlplane_rest_pct,
      connect_s,
      pods_s,
      lost: agents.reduce((sum, { lost }) => sum + lost, 0),
    };
  } finally {
    stop.abort();
    api.close();
    await plane.remove();
  }
}

const slow = { deadlineMs: 600_000, everyMs: 500 };

async function readyCount(api: ApiClient): Promise<number> {
  let count = 0;
  const selection = Selection.fromPartial({ kind: "Node" });
  for await (const { items } of api.objects.list({ selection, minRevision: 0 }))
    for (const { object } of items) if (isReady(decodeObject(object))) count += 1;
  return count;
}

function isReady({ kind, object }: Typed): boolean {
  return kind === "Node" && object.status?.conditions.find(({ type }) => type === "Ready")?.status === "True";
}

function dialerOf({ authority }: OwnControlPlane, name: string): Dialer {
  const pair = issueKeyPair(
    authority,
    {
      subject: { name, organization: organizationOf("node") },
      addresses: ["127.0.0.1"],
      usages: ["client"],
      nowMs: systemClock.nowMs(),
      lifeMs: DAY_MS,
    },
    systemRng,
  );
  const credentials = mutableCredentials({ caPem: authority.certificatePem, pair });
  return grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock });
}

async function startAll(agents: readonly HollowAgent[]): Promise<void> {
  const left = agents.values();
  const lane = async (): Promise<void> => {
    for (const agent of left) await agent.start();
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, lane));
}

async function applyDeployments(api: ApiClient, count: number): Promise<void> {
  await api.apply(
    Array.from({ length: count }, (_, at) => {
      const labels = { app: `app-${at}` };
      const resources = { requests: { cpu: `${50 + at}m`, memory: "64Mi" } };
      return {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: `app-${at}` },
        spec: {
          replicas: REPLICAS,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "hollow:1", resources }] } },
        },
      };
    }),
  );
}

/** Milliseconds from sending a new pod to its node's sight of it, at a steady rate. */
async function makeSingles(
  api: ApiClient,
  seenAt: ReadonlyMap<string, number>,
  nodeCount: number,
): Promise<readonly number[]> {
  const sentAt = new Map<string, number>();
  let failure: unknown;
  const startedAt = performance.now();
  for (let at = 0; at < SINGLES; at += 1) {
    const dueMs = (at * 1_000) / SINGLES_PER_S - (performance.now() - startedAt);
    if (dueMs > 0) await pause(dueMs);
    const name = `single-${at}`;
    const object = Pod.fromPartial({
      metadata: { name, namespace: "default" },
      spec: {
        nodeName: `node-${String((at * 7) % nodeCount).padStart(5, "0")}`,
        containers: [{ name: "main", image: "hollow:1" }],
      },
    });
    sentAt.set(name, performance.now());
    void create(api, object).catch((error: unknown) => {
      failure ??= error;
    });
  }
  const isDone = (): boolean => failure !== undefined || [...sentAt.keys()].every((name) => seenAt.has(name));
  await waitFor("every single pod to be seen", isDone, slow);
  if (failure !== undefined) throw failure;
  return [...sentAt].map(([name, atMs]) => (seenAt.get(name) ?? 0) - atMs);
}

/** Creates the pod, again as long as the store does not answer: the wait is part of what is measured. */
async function create(api: ApiClient, object: Pod): Promise<void> {
  const encoded = Buffer.from(encodeObject({ kind: "Pod", object }));
  for (let tries = 0; ; tries += 1)
    try {
      await api.objects.create({ object: encoded, dryRun: false });
      return;
    } catch (error) {
      if (hasCode(error, "already_exists")) return;
      if (!hasCode(error, "store_unavailable") || tries === MOST_TRIES) throw error;
      await pause(AGAIN_MS);
    }
}
