import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { waitFor } from "../test/kit/wait.js";
import { Testbed } from "../test/testbed/testbed.js";
import type { BenchContext } from "./harness.js";

/** Runs a measurement on a cluster of its own and takes it down, also after a failure. */
export async function withTestbed<T>(
  context: BenchContext,
  options: { readonly hostCount: number; readonly initWords?: readonly string[] },
  measure: (testbed: Testbed) => Promise<T>,
): Promise<T> {
  const testbed = await Testbed.up({
    name: `bench-${process.pid}`,
    ...options,
    controlPlaneCount: 1,
    report: context.report,
  });
  try {
    return await measure(testbed);
  } finally {
    await testbed.down();
  }
}

/** The image that benches run: one small process that stops at once. */
export const IMAGE = "tallship/hello:1";

/** What a bench deploys. */
export interface Workload {
  readonly name: string;
  readonly replicas: number;
  readonly command?: readonly string[];
  /** Runs on this node only. */
  readonly node?: string;
  readonly volumes?: readonly unknown[];
  readonly volumeMounts?: readonly unknown[];
  readonly graceSeconds?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The manifest of a deployment. */
export function deploymentOf(workload: Workload): unknown {
  const labels = { app: workload.name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: workload.name },
    spec: {
      replicas: workload.replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, ...(workload.annotations && { annotations: workload.annotations }) },
        spec: {
          terminationGracePeriodSeconds: workload.graceSeconds ?? 5,
          ...(workload.node && { nodeSelector: { "kubernetes.io/hostname": workload.node } }),
          ...(workload.volumes && { volumes: workload.volumes }),
          containers: [
            {
              name: "main",
              image: IMAGE,
              ...(workload.command && { command: workload.command }),
              ...(workload.volumeMounts && { volumeMounts: workload.volumeMounts }),
              resources: { requests: { cpu: "1m", memory: "4Mi" }, limits: { cpu: "1", memory: "32Mi" } },
            },
          ],
        },
      },
    },
  };
}

/** Applies manifests and returns without waiting. */
export async function apply(testbed: Testbed, manifests: readonly unknown[]): Promise<void> {
  const file = join(testbed.layout.runDir, `bench-${manifests.length}.yaml`);
  writeFileSync(file, manifests.map((manifest) => stringify(manifest)).join("---\n"));
  await testbed.tsctl(["apply", "-f", file]);
  rmSync(file);
}

/** Applies a deployment and waits until all its pods run. */
export async function deploy(testbed: Testbed, workload: Workload): Promise<void> {
  await apply(testbed, [deploymentOf(workload)]);
  await waitFor(
    `${workload.replicas} pods of ${workload.name}`,
    async () => (await readyCount(testbed, workload.name)) === workload.replicas,
    { deadlineMs: 120_000, everyMs: 200 },
  );
}

async function readyCount(testbed: Testbed, name: string): Promise<number> {
  const deployment = JSON.parse(await testbed.tsctl(["get", "deployment", name, "-o", "json"]));
  return deployment.status?.readyReplicas ?? 0;
}

/** A running pod as benches need it. */
export interface RunningPod {
  readonly name: string;
  readonly node: string;
  readonly address: string;
}

/** The running pods of a deployment, by name. */
export async function podsOf(testbed: Testbed, name: string): Promise<readonly RunningPod[]> {
  const list = JSON.parse(await testbed.tsctl(["get", "pods", "-l", `app=${name}`, "-o", "json"]));
  return list.items.map(
    (pod: { metadata: { name: string }; spec: { nodeName: string }; status: { podIP: string } }) => ({
      name: pod.metadata.name,
      node: pod.spec.nodeName,
      address: pod.status.podIP,
    }),
  );
}

/** Deletes a deployment and waits until none of its pods is left. */
export async function remove(testbed: Testbed, name: string): Promise<void> {
  await testbed.tsctl(["delete", "deployment", name]);
  await waitFor(`${name} to go`, async () => (await podsOf(testbed, name)).length === 0, {
    deadlineMs: 60_000,
    everyMs: 100,
  });
}
