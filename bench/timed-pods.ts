import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../test/kit/wait.js";
import type { Testbed } from "../test/testbed/testbed.js";
import { type ApiClient, apiClient } from "./api-client.js";
import { deploy, deploymentOf, remove, type Workload } from "./on-testbed.js";

/** A cluster, a client of it, and a folder that pods leave their stamps in. */
export interface TimedGround {
  readonly testbed: Testbed;
  readonly client: ApiClient;
  readonly stamps: string;
}

/** Measures on a cluster that has started some pods before, so that the first of them do not count for what only happens once. */
export async function withTimedPods<T>(testbed: Testbed, measure: (ground: TimedGround) => Promise<T>): Promise<T> {
  const stamps = join(testbed.layout.diskDir, "stamps");
  mkdirSync(stamps);
  await deploy(testbed, stamping(stamps, { name: "warm", replicas: 12 }));
  await remove(testbed, "warm");
  const client = apiClient(testbed);
  try {
    return await measure({ testbed, client, stamps });
  } finally {
    client.close();
  }
}

/** A pod that says when its process started: a file named for it appears. */
export function stamping(stamps: string, workload: Workload): Workload {
  return {
    ...workload,
    command: ["/bin/sh", "-c", `trap 'exit 0' TERM; : > "/stamps/${workload.name}.$(hostname)"; sleep 1000000 & wait`],
    volumes: [{ name: "stamps", hostPath: { path: stamps } }],
    volumeMounts: [{ name: "stamps", mountPath: "/stamps" }],
  };
}

/** Starts pods: the time until every process has started and a client has seen all Running; and until each process had started. */
export async function startTimed(
  { client, stamps }: TimedGround,
  workload: Workload,
): Promise<{ readonly lastMs: number; readonly eachMs: readonly number[] }> {
  const { name, replicas: count } = workload;
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
  await client.apply([deploymentOf(stamping(stamps, workload))]);
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
export async function deleteTimed({ client, testbed }: TimedGround, name: string): Promise<number> {
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
