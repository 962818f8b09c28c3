import { parseArgs } from "node:util";
import { decodeObject, encodeObject, type Typed } from "../kinds/object.js";
import { hasCode, TallshipError } from "../lib/errors.js";
import { Selection } from "../proto/gen/tallship/v1/api.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { waitFor } from "../test/kit/wait.js";
import { type ApiClient, apiClient } from "./api-client.js";
import { type Bench, type BenchContext, pause, percentile } from "./harness.js";
import { cpuMs, pssMib } from "./proc.js";
import { type HollowCrowd, nodeName, startCrowd } from "./scale/hollow-crowd.js";
import { type OwnControlPlane, startControlPlane } from "./scale/own-control-plane.js";

/**
 * A large cluster of hollow agents: each has a certificate and a connection of its own, says that it lives twice a second and watches its pods. The
 * control plane and etcd are processes as they are shipped; the agents are a few more. At the end the control plane is stopped for a while, so that all agents come at once.
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

const NODES = 5_000;
const NODES_QUICK = 500;
const PODS_PER_NODE = 10;
/** Pods of one Deployment. */
const REPLICAS = 1_000;
const CONNECTING_AT_ONCE = 128;
/** The fewer processes the less of two cores goes into waking them; the more, the less agents wait for each other, and the more of a busy machine is theirs. */
const AGENTS_PER_PROCESS = 400;
/** So long the control plane is stopped: its lease runs out, and every connection has died by then. */
const STALL_MS = 12_000;
/** Pods that are made one by one, and how many a second. */
const SINGLES = 1_000;
const SINGLES_PER_S = 100;
const MOST_TRIES = 20;
const AGAIN_MS = 100;

async function run({ isQuick, report, args }: BenchContext): Promise<Readonly<Record<string, number>>> {
  const { nodeCount, perProcess, isMapWatched } = orderOf(args, isQuick);
  const podCount = PODS_PER_NODE * nodeCount;
  const plane = await startControlPlane();
  const crowd = await startCrowd(plane, { nodeCount, perProcess, deadlineMs: slow.deadlineMs });
  const api = apiClient(plane);
  try {
    await waitFor("the control plane to serve", async () => (await readyCount(api)) === 0, { deadlineMs: 60_000 });
    const connectedAt = performance.now();
    await crowd.connect({ atOnce: CONNECTING_AT_ONCE, isMapWatched });
    await waitFor("every node to be Ready", async () => (await readyCount(api)) >= nodeCount, slow);
    const connect_s = (performance.now() - connectedAt) / 1_000;
    report(`${nodeCount} nodes are Ready after ${connect_s.toFixed(1)} s`);
    const appliedAt = performance.now();
    await applyDeployments(api, podCount);
    await waitFor("all pods to be seen by their nodes", () => crowd.seenAt.size >= podCount, slow);
    const pods_s = (performance.now() - appliedAt) / 1_000;
    report(`${podCount} pods were made, bound and seen by their nodes in ${pods_s.toFixed(1)} s`);
    await pause(5_000);
    const before = { cpuMs: cpuMs(plane.pid), atMs: performance.now() };
    await pause(isQuick ? 5_000 : 20_000);
    const controlplane_rest_pct = (100 * (cpuMs(plane.pid) - before.cpuMs)) / (performance.now() - before.atMs);
    const tookMs = await makeSingles(api, crowd.seenAt, nodeCount);
    const measured = {
      nodes: await readyCount(api),
      pods: crowd.seenAt.size - SINGLES,
      watch_p50_ms: percentile(tookMs, 50),
      watch_p99_ms: percentile(tookMs, 99),
      controlplane_mb: pssMib(plane.pid),
      controlplane_rest_pct,
      connect_s,
      pods_s,
      lost: crowd.lost(),
    };
    const { watch_p50_ms, watch_p99_ms, controlplane_mb } = measured;
    report(
      `a pod made on a node is seen after ${watch_p50_ms.toFixed(0)} ms, 99 of 100 after ${watch_p99_ms.toFixed(0)} ms`,
    );
    report(
      `the control plane takes ${controlplane_mb.toFixed(0)} MB, and ${controlplane_rest_pct.toFixed(0)} % at rest`,
    );
    return { ...measured, stall_back_s: await stall(plane, crowd, { api, nodeCount, report }) };
  } finally {
    await crowd.remove();
    api.close();
    await plane.remove();
  }
}

/** Seconds from when a control plane that was stopped for longer than any lease goes on, until every node has its session and is Ready. */
async function stall(
  { pid }: OwnControlPlane,
  crowd: HollowCrowd,
  { api, nodeCount, report }: { readonly api: ApiClient; readonly nodeCount: number } & Pick<BenchContext, "report">,
): Promise<number> {
  const lostBefore = crowd.lost();
  process.kill(pid, "SIGSTOP");
  await pause(STALL_MS);
  process.kill(pid, "SIGCONT");
  const resumedAt = performance.now();
  let toldAt = 0;
  const isBack = (): boolean => {
    const afterS = Math.floor((performance.now() - resumedAt) / 1_000);
    if (afterS > toldAt)
      report(`${afterS} s after the stop: ${crowd.connected()} connected, ${crowd.lost() - lostBefore} lost`);
    toldAt = afterS;
    return crowd.connected() === nodeCount;
  };
  // Each has a session and a watch to lose.
  await waitFor("every agent to have lost its session", () => crowd.lost() >= lostBefore + 2 * nodeCount, slow);
  await waitFor("every agent to be back", isBack, slow);
  await waitFor("every node to be Ready again", async () => (await readyCount(api).catch(() => 0)) >= nodeCount, slow);
  const stall_back_s = (performance.now() - resumedAt) / 1_000;
  for (const [why, count] of [...crowd.losses].sort(([, one], [, other]) => other - one))
    report(`${count} sessions and watches were lost: ${why}`);
  return stall_back_s;
}

/** What the words after the bench's name ask for. `--map`: agents watch all nodes and services too, which is what grows with the square of the nodes. */
interface Order {
  readonly nodeCount: number;
  readonly perProcess: number;
  readonly isMapWatched: boolean;
}

function orderOf(args: readonly string[], isQuick: boolean): Order {
  const options = { nodes: { type: "string" }, "per-process": { type: "string" }, map: { type: "boolean" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const nodeCount = Number(values.nodes ?? (isQuick ? NODES_QUICK : NODES));
  const perProcess = Number(values["per-process"] ?? AGENTS_PER_PROCESS);
  if (!(Number.isInteger(perProcess) && perProcess > 0))
    throw new TallshipError("invalid_argument", `bench scale: --per-process: found ${values["per-process"]}`);
  if (Number.isInteger(nodeCount) && nodeCount > 0 && nodeCount % 100 === 0)
    return { nodeCount, perProcess, isMapWatched: values.map === true };
  throw new TallshipError("invalid_argument", `bench scale: --nodes: want a multiple of 100, found ${values.nodes}`);
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

async function applyDeployments(api: ApiClient, podCount: number): Promise<void> {
  await api.apply(
    Array.from({ length: podCount / REPLICAS }, (_, at) => {
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
      spec: { nodeName: nodeName((at * 7) % nodeCount), containers: [{ name: "main", image: "hollow:1" }] },
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
