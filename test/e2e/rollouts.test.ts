import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, pods, startCluster, waitReady } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("rollouts", { hostCount: 1 });
});

afterAll(async () => {
  await testbed?.down();
});

const patience = { deadlineMs: 90_000, everyMs: 200 };

const config = (name: string, value: string): string => `apiVersion: v1
kind: ConfigMap
metadata: { name: ${name} }
data: { key: "${value}" }
`;

/**
 * A deployment whose container ends at once when the mode that it was started with is broken. It is asked whether it works: without that it would count as available while it runs, and on a busy
 * machine that moment may be long.
 */
const web = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  progressDeadlineSeconds: 6
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: tallship/hello:1
          command: [sh, -c, 'test "$MODE" != broken && exec sleep 10000']
          env:
            - { name: MODE, valueFrom: { configMapKeyRef: { name: web, key: key } } }
          readinessProbe: { exec: { command: [sh, -c, 'test "$MODE" != broken'] }, periodSeconds: 1 }
`;

/** Pods that use CPU while the mounted file says so. */
const burner = `apiVersion: apps/v1
kind: Deployment
metadata: { name: burner }
spec:
  selector: { matchLabels: { app: burner } }
  template:
    metadata: { labels: { app: burner } }
    spec:
      terminationGracePeriodSeconds: 1
      volumes: [{ name: load, configMap: { name: load } }]
      containers:
        - name: main
          image: tallship/hello:1
          command:
            - sh
            - -c
            - 'while true; do read level < /etc/load/key; if test "$level" = high; then i=0; while test $i -lt 5000; do i=$((i+1)); done; else sleep 0.2; fi; done'
          volumeMounts: [{ name: load, mountPath: /etc/load }]
          resources: { requests: { cpu: 50m }, limits: { cpu: 300m } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: burner }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: burner }
  minReplicas: 1
  maxReplicas: 3
  metrics:
    - { type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 80 } } }
  behavior:
    scaleDown: { stabilizationWindowSeconds: 0 }
`;

interface SeenDeployment {
  readonly spec: { readonly replicas: number };
  readonly status: {
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  };
}

async function deployment(name: string): Promise<SeenDeployment> {
  return JSON.parse(await testbed.tsctl(["get", "deployment", name, "-o", "json"]));
}

async function rolledBack(): Promise<string | undefined> {
  const { conditions } = (await deployment("web")).status;
  return conditions.find(({ type, status }) => type === "RolledBack" && status === "True")?.message;
}

/** What the deployment's pods were started with. */
async function modes(): Promise<readonly string[]> {
  const running = await waitReady(testbed, "app=web", 3);
  const printed = running.map(({ metadata }) => testbed.tsctl(["exec", metadata.name, "--", "sh", "-c", "echo $MODE"]));
  return (await Promise.all(printed)).map((text) => text.trim());
}

test("changed content is rolled out, and content that breaks the pods is taken back with them", async () => {
  await applyText(testbed, `${config("web", "good")}---\n${web}`);
  expect(await modes()).toEqual(["good", "good", "good"]);
  const before = await waitReady(testbed, "app=web", 3);
  await applyText(testbed, config("web", "broken"));
  const why = await waitFor("the rollback", rolledBack, patience);
  expect(why).toMatch(
    /rolled back to revision 1 .* revision 2 .* missed its progress deadline of 6 s: pod web-\S+: container main: /,
  );
  expect(await modes()).toEqual(["good", "good", "good"]);
  const after = (await pods(testbed, "app=web")).map(({ metadata }) => metadata.uid);
  // A quarter of three may be missing: none. So none of the old ones went.
  for (const { metadata } of before) expect(after).toContain(metadata.uid);
});

test("a failed pod is kept for inspection, and its log can be read", async () => {
  const kept = await pods(testbed, "tallship.dev/failed-rollout-of=web");
  expect(kept).toHaveLength(1);
  const name = kept[0]?.metadata.name ?? "";
  expect(await testbed.tsctl(["get", "pod", name, "-o", "yaml"])).toContain("web-");
  expect((await testbed.tryTsctl(["logs", name])).exitCode).toBe(0);
});

test("mended content is rolled out, and the kept pod goes", async () => {
  await applyText(testbed, config("web", "better"));
  await waitFor("no rollback any more", async () => (await rolledBack()) === undefined, patience);
  await waitFor("every pod to have it", async () => (await modes()).every((mode) => mode === "better"), patience);
  await waitFor(
    "the kept pod to go",
    async () => (await pods(testbed, "tallship.dev/failed-rollout-of=web")).length === 0,
    patience,
  );
});

test("a mounted config changes under a running pod, and the load that it starts and ends brings pods and takes them away", async () => {
  await applyText(testbed, `${config("load", "low")}---\n${burner}`);
  const [pod] = await waitReady(testbed, "app=burner", 1);
  const name = pod?.metadata.name ?? "";
  await applyText(testbed, config("load", "high"));
  const readFile = async (): Promise<string> =>
    (await testbed.tsctl(["exec", name, "--", "cat", "/etc/load/key"])).trim();
  await waitFor("the file to change", async () => (await readFile()) === "high", patience);
  await waitFor("more pods", async () => (await deployment("burner")).spec.replicas === 3, patience);
  await waitReady(testbed, "app=burner", 3);
  await applyText(testbed, config("load", "low"));
  await waitFor("fewer pods", async () => (await deployment("burner")).spec.replicas === 1, patience);
  expect(await testbed.tsctl(["get", "hpa", "burner"])).toMatch(/burner\s+Deployment\/burner\s+cpu: \d+%\/80%\s+1\s+3/);
});
