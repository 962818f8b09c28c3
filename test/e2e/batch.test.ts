import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, manifest, pods, remains, startCluster, waitGone, waitReady } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("batch", { hostCount: 3 });
});

afterAll(async () => {
  await testbed?.down();
});

const HOSTS = ["host1", "host2", "host3"];

interface SeenJob {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly succeeded?: number;
    readonly failed?: number;
    readonly completedIndexes?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
  };
}

async function getJob(name: string): Promise<SeenJob> {
  return JSON.parse(await testbed.tsctl(["get", "job", name, "-o", "json"]));
}

const jobYaml = (name: string, command: string, spec = ""): string => `apiVersion: batch/v1
kind: Job
metadata: { name: ${name} }
spec:
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: tallship/hello:1
          command: ["sh", "-c", ${JSON.stringify(command)}]
${spec}`;

test("a daemon set is on every host, and is rolled until every pod is of the new template", async () => {
  expect((await testbed.tryTsctl(["apply", "-f", manifest("daemonset.yaml"), "--wait"])).exitCode).toBe(0);
  const first = await waitReady(testbed, "app=per-host", 3);
  expect(first.map(({ spec }) => spec.nodeName).sort()).toEqual(HOSTS);
  await expect.poll(() => testbed.tsctl(["get", "ds", "per-host"])).toMatch(/per-host +3 +3 +3 +3 +3 /);
  const patch = { spec: { template: { metadata: { annotations: { turn: "2" } } } } };
  await testbed.tsctl(["patch", "daemonset", "per-host", "-p", JSON.stringify(patch)]);
  const { exitCode } = await testbed.tryTsctl(["rollout", "status", "daemonset/per-host", "--timeout=60s"]);
  expect(exitCode).toBe(0);
  const second = await waitReady(testbed, "app=per-host", 3);
  expect(second.map(({ spec }) => spec.nodeName).sort()).toEqual(HOSTS);
  expect(second.filter(({ metadata }) => first.some((pod) => pod.metadata.uid === metadata.uid))).toEqual([]);
  const revisions = JSON.parse(await testbed.tsctl(["get", "controllerrevisions", "-o", "json"])).items;
  expect(revisions.map(({ revision }: { revision: number }) => revision).sort()).toEqual([1, 2]);
});

test("an indexed job does each piece once, each pod knowing its own", async () => {
  expect((await testbed.tryTsctl(["apply", "-f", manifest("job.yaml"), "--wait"])).exitCode).toBe(0);
  expect((await getJob("pieces")).status).toMatchObject({ succeeded: 5, completedIndexes: "0-4" });
  const done = await pods(testbed, "job-name=pieces");
  const lines = await Promise.all(done.map(({ metadata }) => testbed.tsctl(["logs", metadata.name])));
  expect(lines.map((line) => line.trim()).sort()).toEqual([0, 1, 2, 3, 4].map((at) => `piece ${at} on pieces-${at}`));
  expect(await testbed.tsctl(["get", "job", "pieces"])).toMatch(/pieces +Complete +5\/5 /);
});

test("a job whose pod fails tries again, and succeeds when a pod does", async () => {
  // The first pod comes too early; the second, ten seconds later, does not.
  const retried = jobYaml("again", `[ "$(($(date +%s) - BEGAN))" -ge 8 ]`, "  backoffLimit: 3\n").replace(
    "          command",
    `          env: [{ name: BEGAN, value: "${Math.floor(Date.now() / 1_000)}" }]\n          command`,
  );
  await applyText(testbed, retried);
  await testbed.tsctl(["wait", "--for=condition=complete", "job/again", "--timeout=60s"]);
  expect((await getJob("again")).status).toMatchObject({ succeeded: 1, failed: 1 });
});

test("a job fails at once with the code that its policy names, and says which container it was", async () => {
  const policy = "  podFailurePolicy: { rules: [{ action: FailJob, onExitCodes: { operator: In, values: [42] } }] }\n";
  await applyText(testbed, jobYaml("hopeless", "exit 42", policy));
  await testbed.tsctl(["wait", "--for=condition=failed", "job/hopeless", "--timeout=60s"]);
  const conditions = (await getJob("hopeless")).status.conditions ?? [];
  expect(conditions.map(({ type, reason }) => `${type}:${reason}`)).toEqual([
    "FailureTarget:PodFailurePolicy",
    "Failed:PodFailurePolicy",
  ]);
  expect(conditions[1]?.message).toContain("failed with exit code 42");
});

test("a job that takes too long is ended with its pod, and one that is deleted takes its pods along", async () => {
  await applyText(testbed, jobYaml("slow", "trap : TERM; sleep 300", "  activeDeadlineSeconds: 3\n"));
  await testbed.tsctl(["wait", "--for=condition=failed", "job/slow", "--timeout=90s"]);
  expect((await getJob("slow")).status).toMatchObject({ failed: 1 });
  for (const name of ["slow", "hopeless", "again", "pieces"]) await testbed.tsctl(["delete", "job", name]);
  await waitGone(testbed, "batch.kubernetes.io/job-name");
});

test("a cron job makes jobs of its template, when it is due and when it is asked to", async () => {
  await testbed.tsctl(["apply", "-f", manifest("cronjob.yaml")]);
  expect(await testbed.tsctl(["get", "cronjob", "tick"])).toMatch(/tick +\*\/5 \* \* \* \* +Europe\/Berlin +False /);
  await testbed.tsctl(["create", "job", "now", "--from=cronjob/tick"]);
  await testbed.tsctl(["wait", "--for=condition=complete", "job/now", "--timeout=60s"]);
  expect((await testbed.tsctl(["logs", "job/now"])).trim()).toMatch(/tick$/);
  const soon = { spec: { schedule: "@every 2s", timeZone: null } };
  await testbed.tsctl(["patch", "cronjob", "tick", "-p", JSON.stringify(soon)]);
  const job = await waitFor(
    "a job of the cron job to succeed",
    async () => {
      const jobs: readonly SeenJob[] = JSON.parse(await testbed.tsctl(["get", "jobs", "-o", "json"])).items;
      return jobs.find(({ metadata, status }) => metadata.name !== "now" && status.succeeded === 1);
    },
    { deadlineMs: 60_000, everyMs: 200 },
  );
  expect(job.metadata.name).toMatch(/^tick-\d{8}$/);
  await testbed.tsctl(["delete", "cronjob", "tick"]);
});

test("deleting all leaves nothing on any host", async () => {
  await testbed.tsctl(["delete", "-f", manifest("daemonset.yaml")]);
  await waitGone(testbed, "");
  for (const host of HOSTS)
    await expect.poll(() => remains(testbed, host)).toEqual({ namespaces: [], mounts: [], cgroups: [], conmons: [] });
});

test("two gangs of a queue that has room for one run one after the other, each as a whole", async () => {
  expect((await testbed.tryTsctl(["apply", "-f", manifest("queue.yaml")])).exitCode).toBe(0);
  const sideBySide = new Set<string>();
  await waitFor("both jobs", async () => {
    const now = await pods(testbed, "tallship.dev/queue=batch");
    const placed = now.filter(({ spec, status }) => spec.nodeName !== undefined && status.phase !== "Succeeded");
    const jobs = new Set(placed.map(({ metadata }) => metadata.name.split("-")[0]));
    if (jobs.size > 1) sideBySide.add(placed.map(({ metadata }) => metadata.name).join(", "));
    const done = await Promise.all(["train", "tune"].map(getJob));
    return done.every(({ status }) => status.succeeded === 2);
  });
  expect([...sideBySide]).toEqual([]);
  const ended = await pods(testbed, "tallship.dev/queue=batch");
  const timesOf = (job: string, time: "startedAt" | "finishedAt"): readonly number[] =>
    ended
      .filter(({ metadata }) => metadata.name.startsWith(`${job}-`))
      .map(({ status }) => Date.parse(status.containerStatuses?.[0]?.state.terminated?.[time] ?? ""));
  const runs = ["train", "tune"]
    .map((job) => ({ began: Math.min(...timesOf(job, "startedAt")), ended: Math.max(...timesOf(job, "finishedAt")) }))
    .sort((a, b) => a.began - b.began);
  expect(ended).toHaveLength(4);
  expect(runs[1]?.began).toBeGreaterThanOrEqual(runs[0]?.ended ?? Number.NaN);
  await expect.poll(() => testbed.tsctl(["get", "queue", "batch"])).toMatch(/batch +<none> +0 +0 +pods: 0\/2 /);
});

test("queues of a cohort lend each other what they do not use, and get it back when they need it", async () => {
  await testbed.tsctl(["apply", "-f", manifest("cohort.yaml")]);
  await waitReady(testbed, "app=product", 4);
  await expect.poll(() => testbed.tsctl(["get", "queue", "product"])).toMatch(/product +lab +0 +4 +pods: 4\/2 /);
  const asked = { input: readFileSync(manifest("cohort.yaml"), "utf8").replace("replicas: 0", "replicas: 2") };
  const foretold = await testbed.tsctl(["plan", "-f", "-"], asked);
  expect(foretold.match(/^deployment.apps\/research .* after preempting default\/product-/gm)).toHaveLength(2);
  expect(await testbed.tsctl(["when", "-f", "-"], asked)).toMatch(
    /in queue research\n {2}gets a node in about \ds, at \S+: host\d\n {2}if:\n {4}queue research takes back what it has lent\n/,
  );
  await testbed.tsctl(["scale", "deploy/research", "--replicas=2"]);
  await waitReady(testbed, "app=research", 2);
  const waiting = await waitFor("two pods of product to wait", async () => {
    const names = (await pods(testbed, "app=product")).filter(({ spec }) => spec.nodeName === undefined);
    return names.length === 2 ? names : undefined;
  });
  await expect
    .poll(() => testbed.tsctl(["why", waiting[0]?.metadata.name ?? ""]))
    .toContain('it waits for quota of queue "product"');
  await expect.poll(() => testbed.tsctl(["when", "deploy/product"])).toContain("number 2 of 2 in queue product\n");
  await expect
    .poll(() => testbed.tsctl(["get", "events"]))
    .toContain("Preempted to give back quota that queue research had lent");
  await testbed.tsctl(["scale", "deploy/research", "--replicas=0"]);
  await waitReady(testbed, "app=product", 4);
  await testbed.tsctl(["delete", "-f", manifest("cohort.yaml")]);
});

test("a pod of higher priority gets the room of another, which ends in its own time and comes back where there is room", async () => {
  const classYaml = "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\n";
  const pod = (name: string, spec: string): string =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {${spec}, terminationGracePeriodSeconds: 1, nodeSelector: {kubernetes.io/hostname: host2}, containers: [{name: main, image: "tallship/hello:1", resources: {requests: {cpu: 1500m}}}]}\n`;
  await applyText(testbed, classYaml);
  await applyText(testbed, pod("low", "restartPolicy: Always"));
  await waitFor("low runs", async () => (await testbed.tsctl(["get", "pod", "low"])).includes("Running"));
  await applyText(testbed, pod("vip", "priorityClassName: high"));
  await waitFor("vip runs", async () => (await testbed.tsctl(["get", "pod", "vip"])).includes("Running"));
  expect((await testbed.tryTsctl(["get", "pod", "low"])).exitCode).not.toBe(0);
  await expect.poll(() => testbed.tsctl(["get", "events"])).toContain("Preempted by Pod/default/vip on node host2");
  await testbed.tsctl(["delete", "pod", "vip"]);
});
