import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../test/kit/wait.js";
import type { Testbed } from "../test/testbed/testbed.js";
import { type ApiClient, apiClient } from "./api-client.js";
import { bareContainers } from "./bare-containers.js";
import { type Bench, type BenchContext, median, percentile } from "./harness.js";
import { deploy, deploymentOf, remove, type Workload, withTestbed } from "./on-testbed.js";

/** How fast pods start, against the bare runtime doing the same work in the same run. */
export const podStart: Bench = {
  name: "pod-start",
  summary: "apply of 100 pods on 3 hosts until all have started, over bare conmon+crun; single pods; deletion",
  goals: [
    { metric: "pods100_s", op: "<=", bound: 4, stage: "first" },
    { metric: "pods100_s", op: "<=", bound: 2.5, stage: "full" },
    { metric: "ratio", op: "<=", bound: 3, stage: "first" },
    { metric: "ratio", op: "<=", bound: 2, stage: "full" },
    { metric: "single_p50_ms", op: "<=", bound: 150, stage: "first" },
    { metric: "single_p50_ms", op: "<=", bound: 100, stage: "full" },
    { metric: "single_p99_ms", op: "<=", bound: 250, stage: "full" },
    { metric: "burst50_p99_ms", op: "<=", bound: 1000, stage: "full" },
    { metric: "delete100_s", op: "<=", bound: 3, stage: "full" },
  ],
  run,
};

const COUNT = 100;

function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: 3 }, async (testbed) => {
    const stamps = join(testbed.layout.diskDir, "stamps");
    mkdirSync(stamps);
    await deploy(testbed, stamping(stamps, { name: "warm", replicas: 12 }));
    await remove(testbed, "warm");
    const client = apiClient(testbed);
    try {
      return await measure(context, { testbed, client, stamps });
    } finally {
      client.close();
    }
  });
}

interface Ground {
  readonly testbed: Testbed;
  readonly client: ApiClient;
  readonly stamps: string;
}

async function measure(context: BenchContext, ground: Ground): Promise<Readonly<Record<string, number>>> {
  const rounds = context.isQuick ? 1 : 3;
  const started: number[] = [];
  const deleted: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const name = `many${round}`;
    const took = await start(ground, name, COUNT);
    const template = await bareContainers.likePodOf(ground.testbed, name);
    const deleteMs = await deleteAll(ground, name);
    const bareMs = await bareContainers.run(ground.testbed, template, COUNT);
    started.push(took.lastMs);
    deleted.push(deleteMs);
    bare.push(bareMs);
    context.report(
      `round ${round + 1}: ${COUNT} pods in ${took.lastMs.toFixed(0)} ms, bare ${bareMs.toFixed(0)} ms, deleted in ${deleteMs.toFixed(0)} ms`,
    );
  }
  const single: number[] = [];
  for (let at = 0; at < (context.isQuick ? 10 : 50); at += 1) {
    single.push((await start(ground, `one${at}`, 1)).lastMs);
    await deleteAll(ground, `one${at}`);
  }
  const burst = await start(ground, "burst", 50);
  return {
    pods100_s: median(started) / 1000,
    baseline_s: median(bare) / 1000,
    ratio: median(started) / median(bare),
    single_p50_ms: median(single),
    single_p99_ms: percentile(single, 99),
    burst50_p99_ms: percentile(burst.eachMs, 99),
    delete100_s: median(deleted) / 1000,
  };
}

/** A pod that says when its process started: a file named for it appears. */
function stamping(stamps: string, workload: { readonly name: string; readonly replicas: number }): Workload {
  return {
    ...workload,
    command: ["/bin/sh", "-c", `trap 'exit 0' TERM; : > "/stamps/${workload.name}.$(hostname)"; sleep 1000000 & wait`],
    volumes: [{ name: "stamps", hostPath: { path: stamps } }],
    volumeMounts: [{ name: "stamps", mountPath: "/stamps" }],
  };
}

/** Starts pods: the time until every process has started and a client has seen all Running; and until each process had started. */
async function start(
  { client, stamps }: Ground,
  name: string,
  count: number,
): Promise<{ readonly lastMs: number; readonly eachMs: readonly number[] }> {
  const running = new Set<string>();
  let onAll: () => void = () => undefined;
  const allSeen = new Promise<void>((resolve) => {
    onAll = resolve;
  });
  const stop = await client.watch({ kind: "Pod", namespace: "default", labels: `app=${name}` }, (pod, typed) => {
    if (typed?.kind === "Pod" && typed.object.status?.phase === "Running") running.add(pod);
    if (running.size === count) onAll();
  });
  const beganMs = Date.now();
  const beganAt = performance.now();
  await client.apply([deploymentOf(stamping(stamps, { name, replicas: count }))]);
  await allSeen;
  const lastMs = performance.now() - beganAt;
  stop();
  const files = readdirSync(stamps).filter((file) => file.startsWith(`${name}.`));
  if (files.length < count)
    await waitFor(
      `${count} stamps of ${name}`,
      () => readdirSync(stamps).filter((file) => file.startsWith(`${name}.`)).length >= count,
    );
  const eachMs = readdirSync(stamps)
    .filter((file) => file.startsWith(`${name}.`))
    .map((file) => statSync(join(stamps, file)).mtimeMs - beganMs);
  return { lastMs: Math.max(lastMs, ...eachMs), eachMs };
}

/** Deletes pods: the time until nothing of them is left in the cluster and on the hosts. */
async function deleteAll({ client, testbed }: Ground, name: string): Promise<number> {
  const left = new Set<string>();
  let onNone: () => void = () => undefined;
  const noneLeft = new Promise<void>((resolve) => {
    onNone = resolve;
  });
  const stop = await client.watch({ kind: "Pod", namespace: "default", labels: `app=${name}` }, (pod, typed) => {
    if (typed === undefined) left.delete(pod);
    else left.add(pod);
    if (left.size === 0) onNone();
  });
  const beganAt = performance.now();
  await client.objects.delete({
    name: { kind: "Deployment", namespace: "default", name },
    uid: "",
    propagation: "",
    dryRun: false,
  });
  await noneLeft;
  stop();
  for (const { name: host } of testbed.layout.hosts) {
    await waitFor(
      `what is left on ${host} to go`,
      async () =>
        (await testbed.exec(host, ["sh", "-c", "ls /run/tallship/netns 2>/dev/null | wc -l"])).stdout.trim() === "0",
      { deadlineMs: 60_000, everyMs: 5 },
    );
  }
  return performance.now() - beganAt;
}
