import { afterEach, describe, expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { type End, JobWorld, type jobOf } from "../../../test/kit/job-world.js";
import { nodePods } from "../node/node-pods.js";
import { ownerCollector } from "../owner-collector.js";
import { podCollector } from "../pod-collector.js";
import { TRACKING } from "./tracking.js";

const worlds: JobWorld[] = [];
afterEach(() => {
  for (const { control } of worlds.splice(0)) control.stop.abort();
});

async function opened(spec?: Parameters<typeof jobOf>[0]): Promise<JobWorld> {
  const world = await JobWorld.open([ownerCollector()]);
  worlds.push(world);
  await world.start(spec);
  return world;
}

const success: End = { phase: "Succeeded" };
const failure: End = { phase: "Failed" };
const indexed = (completions: number, parallelism: number) =>
  ({ completionMode: "Indexed", completions, parallelism }) as const;

test("a job runs one pod, labelled, owned and tracked, and is complete when it has succeeded", async () => {
  const world = await opened();
  const [pod] = world.active();
  expect(metaOf(pod ?? {}).name).toMatch(/^work-[a-z0-9]{5}$/);
  expect(metaOf(pod ?? {}).labels).toMatchObject({
    "batch.kubernetes.io/job-name": "work",
    "batch.kubernetes.io/controller-uid": "job-uid",
  });
  expect(metaOf(pod ?? {}).finalizers).toEqual([TRACKING]);
  expect(world.job()?.status).toMatchObject({ active: 1, startTime: "2023-11-14T22:13:20Z" });
  await world.endNext(success);
  expect(world.conditions()).toEqual(["SuccessCriteriaMet:CompletionsReached", "Complete:CompletionsReached"]);
  expect(world.job()?.status).toMatchObject({ active: 0, succeeded: 1, failed: 0 });
  expect(world.job()?.status?.completionTime).not.toBe("");
  expect(world.pods().map((each) => metaOf(each).finalizers)).toEqual([[]]);
  expect(world.control.notices.map(({ reason }) => reason)).toEqual(["SuccessfulCreate", "Completed"]);
});

test("never more than parallelism, nor more than are left to do", async () => {
  const world = await opened({ completions: 5, parallelism: 3 });
  expect(world.active()).toHaveLength(3);
  await world.endNext(success);
  await world.endNext(success);
  await world.endNext(success);
  expect(world.active()).toHaveLength(2);
  await world.edit({ parallelism: 1 });
  await world.control.converge();
  expect(world.active()).toHaveLength(1);
  expect(world.job()?.status).toMatchObject({ succeeded: 3, failed: 0 });
});

test("a hundred and fifty pods are created, end and are counted in whole transactions", async () => {
  const world = await opened({ completions: 150, parallelism: 150 });
  expect(world.active()).toHaveLength(150);
  for (const pod of world.active()) await world.end(pod, success);
  await world.control.converge();
  expect(world.job()?.status).toMatchObject({ succeeded: 150, active: 0, nextOrdinal: 150 });
  expect(world.conditions()).toContain("Complete:CompletionsReached");
});

test("a queue is done when one pod has succeeded and all have ended; a success starts nothing new", async () => {
  const world = await opened({ parallelism: 3 });
  expect(world.active()).toHaveLength(3);
  await world.endNext(success);
  expect(world.active()).toHaveLength(2);
  await world.endNext(failure);
  expect(world.conditions()).toEqual([]);
  await world.endNext(success);
  expect(world.conditions()).toContain("Complete:CompletionsReached");
});

test("a failed pod is replaced after ten seconds, then twenty, and the limit ends the job", async () => {
  const world = await opened({ backoffLimit: 2 });
  await world.endNext(failure);
  expect(world.active()).toHaveLength(0);
  await world.control.clock.advance(9_000);
  expect(world.active()).toHaveLength(0);
  await world.control.clock.advance(1_500);
  expect(world.active()).toHaveLength(1);
  await world.endNext(failure);
  await world.control.clock.advance(19_000);
  expect(world.active()).toHaveLength(0);
  await world.control.clock.advance(1_500);
  await world.endNext(failure);
  expect(world.conditions()).toEqual(["FailureTarget:BackoffLimitExceeded", "Failed:BackoffLimitExceeded"]);
  expect(world.job()?.status).toMatchObject({ failed: 3, succeeded: 0, completionTime: "" });
});

test("the end of a job is told only when its other pods have stopped, and they count as failed", async () => {
  const world = await opened({ completions: 3, parallelism: 3, backoffLimit: 0, podReplacementPolicy: "Failed" });
  for (const pod of world.active()) await world.run(pod);
  await world.endNext(failure);
  expect(world.conditions()).toEqual(["FailureTarget:BackoffLimitExceeded"]);
  expect(world.job()?.status).toMatchObject({ active: 0, terminating: 2, failed: 1 });
  for (const pod of world.pods().filter((each) => each.status?.phase === "Running")) await world.end(pod, failure);
  await world.control.converge();
  expect(world.conditions()).toContain("Failed:BackoffLimitExceeded");
  expect(world.job()?.status).toMatchObject({ failed: 3, terminating: 0 });
});

test("restarts of containers count towards the limit with OnFailure", async () => {
  const template = { spec: { restartPolicy: "OnFailure", containers: [{ name: "main", image: "work:1" }] } };
  const world = await opened({ backoffLimit: 2, template });
  const restart = (restartCount: number) =>
    world.control.edit("Pod", metaOf(world.active()[0] ?? {}).name, (pod) => ({
      ...pod,
      status: pod.status && {
        ...pod.status,
        phase: "Running",
        containerStatuses: [
          {
            name: "main",
            restartCount,
            ...{ state: undefined, lastState: undefined, ready: true, image: "", imageID: "", containerID: "" },
            ...{ started: true, allocatedResources: {}, resources: undefined, command: [], paused: false },
          },
        ],
      },
    }));
  await restart(1);
  await world.control.converge();
  expect(world.conditions()).toEqual([]);
  await restart(2);
  await world.control.converge();
  expect(world.conditions()).toContain("FailureTarget:BackoffLimitExceeded");
});

describe("a pod is counted once", () => {
  test("also when it is deleted in the moment in which it ends", async () => {
    const world = await opened({ completions: 2 });
    const [pod] = world.active();
    if (pod === undefined) throw new Error("wanted a pod");
    await world.end(pod, success);
    const done = world.pods().find((each) => metaOf(each).name === metaOf(pod).name);
    if (done !== undefined) await world.remove(done);
    await world.control.converge();
    expect(world.job()?.status).toMatchObject({ succeeded: 1, failed: 0 });
    expect(world.pods().map((each) => metaOf(each).name)).not.toContain(metaOf(pod).name);
    expect(world.active()).toHaveLength(1);
  });

  test("a running pod that is deleted has failed, whatever it says afterwards, and is replaced", async () => {
    const world = await opened();
    const [pod] = world.active();
    if (pod === undefined) throw new Error("wanted a pod");
    await world.run(pod);
    await world.remove(world.active()[0] ?? pod);
    await world.control.converge();
    expect(world.job()?.status).toMatchObject({ failed: 1, terminating: 1 });
    await world.end(pod, success);
    await world.control.converge();
    expect(world.job()?.status).toMatchObject({ failed: 1, succeeded: 0, terminating: 0 });
    await world.control.clock.advance(10_500);
    expect(world.active()).toHaveLength(1);
  });

  test("with podReplacementPolicy Failed a deleted pod is counted, and replaced, when it has stopped", async () => {
    const world = await opened({ podReplacementPolicy: "Failed" });
    const [pod] = world.active();
    if (pod === undefined) throw new Error("wanted a pod");
    await world.run(pod);
    await world.remove(world.active()[0] ?? pod);
    await world.control.clock.advance(60_000);
    expect(world.job()?.status).toMatchObject({ failed: 0, active: 0, terminating: 1 });
    const marked = world.pods()[0] ?? pod;
    await world.remove(marked, 0);
    await world.control.converge();
    expect(world.job()?.status).toMatchObject({ failed: 1, terminating: 0 });
    await world.control.clock.advance(10_500);
    expect(world.active()).toHaveLength(1);
    expect(world.pods()).toHaveLength(1);
  });

  test("pods of a job that is deleted are let go", async () => {
    const world = await opened({ completions: 2, parallelism: 2 });
    await world.control.drop({ kind: "Job", namespace: "default", name: "work" });
    await world.control.converge();
    expect(world.pods()).toEqual([]);
  });
});

describe("an indexed job", () => {
  test("gives each pod an index: in its name, labels, annotations, environment and host name", async () => {
    const world = await opened(indexed(3, 2));
    const [first, second] = world.active();
    expect(metaOf(first ?? {}).name).toMatch(/^work-0-[a-z0-9]{5}$/);
    expect(second?.spec?.hostname).toBe("work-1");
    expect(metaOf(second ?? {}).annotations).toMatchObject({ "batch.kubernetes.io/job-completion-index": "1" });
    expect(metaOf(second ?? {}).labels).toMatchObject({ "batch.kubernetes.io/job-completion-index": "1" });
    expect(second?.spec?.containers[0]?.env[0]).toMatchObject({
      name: "JOB_COMPLETION_INDEX",
      valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
    });
  });

  test("is complete when every index has succeeded", async () => {
    const world = await opened(indexed(4, 4));
    await world.endNext(success, 3);
    await world.endNext(success, 1);
    await world.endNext(success, 0);
    expect(world.job()?.status).toMatchObject({ completedIndexes: "0,1,3", succeeded: 3 });
    await world.endNext(success, 2);
    expect(world.job()?.status).toMatchObject({ completedIndexes: "0-3", succeeded: 4 });
    expect(world.conditions()).toContain("Complete:CompletionsReached");
  });

  test("goes on with the other indexes while one waits, and fails for the indexes that failed", async () => {
    const world = await opened({ ...indexed(3, 3), backoffLimitPerIndex: 1 });
    await world.endNext(failure, 1);
    await world.endNext(success, 0);
    await world.control.clock.advance(11_000);
    expect(world.indexes()).toEqual([1, 2]);
    const again = world.active().find((pod) => pod.spec?.hostname === "work-1");
    expect(metaOf(again ?? {}).annotations["batch.kubernetes.io/job-index-failure-count"]).toBe("1");
    await world.endNext(failure, 1);
    expect(world.job()?.status).toMatchObject({ failedIndexes: "1", completedIndexes: "0", failed: 2 });
    expect(world.conditions()).toEqual([]);
    await world.endNext(success, 2);
    expect(world.conditions()).toEqual(["FailureTarget:FailedIndexes", "Failed:FailedIndexes"]);
  });

  test("fails when too many indexes have", async () => {
    const world = await opened({ ...indexed(5, 5), backoffLimitPerIndex: 0, maxFailedIndexes: 1 });
    await world.endNext(failure, 1);
    expect(world.conditions()).toEqual([]);
    await world.endNext(failure, 3);
    expect(world.conditions()).toContain("Failed:MaxFailedIndexesExceeded");
    expect(world.active()).toEqual([]);
  });

  test("grows and shrinks together with its parallelism", async () => {
    const world = await opened(indexed(2, 2));
    await world.endNext(success, 1);
    await world.edit({ completions: 4, parallelism: 4 });
    await world.control.converge();
    expect(world.indexes()).toEqual([0, 2, 3]);
    await world.edit({ completions: 1, parallelism: 1 });
    await world.control.converge();
    expect(world.indexes()).toEqual([0]);
    expect(world.job()?.status).toMatchObject({ completedIndexes: "", succeeded: 0 });
  });

  const policies = [
    { name: "these indexes", rule: { succeededIndexes: "0,2" }, ends: [0, 2] },
    { name: "any two", rule: { succeededCount: 2 }, ends: [1, 3] },
    { name: "one of these", rule: { succeededIndexes: "1-3", succeededCount: 1 }, ends: [3] },
  ];
  test.each(policies)("succeeds early when its policy wants $name", async ({ rule, ends }) => {
    const world = await opened({ ...indexed(4, 4), successPolicy: { rules: [rule] } });
    for (const index of ends) {
      expect(world.conditions()).toEqual([]);
      await world.endNext(success, index);
    }
    expect(world.conditions()).toEqual(["SuccessCriteriaMet:SuccessPolicy", "Complete:SuccessPolicy"]);
    expect(world.active()).toEqual([]);
  });
});

describe("a podFailurePolicy decides what a failure means", () => {
  const rules = [
    { action: "FailJob", onExitCodes: { operator: "In", values: [42] } },
    { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
    { action: "FailIndex", onExitCodes: { operator: "In", values: [7] } },
    { action: "Count", onExitCodes: { operator: "NotIn", values: [9] } },
  ];
  const spec = { ...indexed(2, 2), backoffLimitPerIndex: 3, podFailurePolicy: { rules } };
  const lost = [{ type: "DisruptionTarget", status: "True" }];

  test("a disruption does not count", async () => {
    const world = await opened(spec);
    await world.endNext({ phase: "Failed", exitCode: 137, conditions: lost }, 0);
    expect(world.job()?.status).toMatchObject({ failed: 0 });
    await world.control.clock.advance(10_500);
    expect(world.indexes()).toEqual([0, 1]);
  });

  test("one code fails the index at once", async () => {
    const world = await opened(spec);
    await world.endNext({ phase: "Failed", exitCode: 7 }, 0);
    expect(world.job()?.status).toMatchObject({ failed: 1, failedIndexes: "0" });
  });

  test("one code fails the job, and the condition says which container it was", async () => {
    const world = await opened(spec);
    const [pod] = world.active();
    await world.endNext({ phase: "Failed", exitCode: 42 }, 0);
    expect(world.conditions()).toContain("Failed:PodFailurePolicy");
    expect(world.job()?.status?.conditions.at(-1)?.message).toBe(
      `Container main for pod default/${metaOf(pod ?? {}).name} failed with exit code 42 matching FailJob rule at index 0`,
    );
  });
});

test("a suspended job has no pods, and starts anew when it is resumed", async () => {
  const world = await opened({ suspend: true, activeDeadlineSeconds: 30 });
  expect(world.conditions()).toEqual(["Suspended:JobSuspended"]);
  expect(world.job()?.status).toMatchObject({ active: 0, startTime: "" });
  await world.control.clock.advance(100_000);
  await world.edit({ suspend: false });
  await world.control.converge();
  expect(world.active()).toHaveLength(1);
  expect(world.conditions()).toEqual([]);
  await world.control.clock.advance(10_000);
  await world.edit({ suspend: true });
  await world.control.converge();
  expect(world.active()).toEqual([]);
  expect(world.job()?.status).toMatchObject({ failed: 0 });
  await world.control.clock.advance(100_000);
  await world.edit({ suspend: false });
  await world.control.converge();
  await world.control.clock.advance(28_000);
  expect(world.active()).toHaveLength(1);
  await world.control.clock.advance(3_000);
  expect(world.conditions()).toEqual(["FailureTarget:DeadlineExceeded", "Failed:DeadlineExceeded"]);
  const told = world.control.notices.map(({ reason }) => reason).filter((reason) => /Susp|Resu/.test(reason));
  expect(told).toEqual(["Suspended", "Resumed", "Suspended", "Resumed"]);
});

test("a finished job goes with its pods when its time to live is over", async () => {
  const world = await opened({ ttlSecondsAfterFinished: 60 });
  await world.endNext(success);
  await world.control.clock.advance(58_000);
  expect(world.job()).toBeDefined();
  await world.control.clock.advance(4_000);
  await world.control.converge();
  expect(world.job()).toBeUndefined();
  expect(world.pods()).toEqual([]);
});

test("a job ends although a pod of it is on a node that cannot be reached", async () => {
  const world = await opened({ podReplacementPolicy: "Failed", backoffLimit: 0, completions: 2, parallelism: 2 });
  const [first, second] = world.active();
  if (first === undefined || second === undefined) throw new Error("wanted pods");
  await world.run(first);
  await world.control.edit("Pod", metaOf(first).name, (pod) => ({
    ...pod,
    status: pod.status && { ...pod.status, phase: "Unknown" },
  }));
  await world.end(second, failure);
  await world.control.converge();
  expect(world.conditions()).toContain("Failed:BackoffLimitExceeded");
  expect(world.job()?.status).toMatchObject({ failed: 2, terminating: 0 });
});

describe("a pod of a node that is lost", () => {
  async function lose(spec: Parameters<typeof jobOf>[0]): Promise<{ readonly world: JobWorld; readonly pod: Pod }> {
    const world = await JobWorld.open([nodePods, podCollector]);
    worlds.push(world);
    await world.control.put({ kind: "Node", object: Node.fromPartial({ metadata: { name: "node-a", uid: "a" } }) });
    await world.start(spec);
    const [pod] = world.active();
    if (pod === undefined) throw new Error("wanted a pod");
    await world.run(pod);
    const taints = [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }];
    await world.control.edit("Node", "node-a", (node) => Node.fromPartial({ ...node, spec: { taints } }));
    await world.control.clock.advance(1_000);
    return { world, pod };
  }

  test("has failed and is replaced; what its node says when it is back does not count", async () => {
    const { world, pod } = await lose({});
    expect(world.job()?.status).toMatchObject({ failed: 1, active: 0, terminating: 1 });
    await world.control.clock.advance(11_000);
    expect(world.active()).toHaveLength(1);
    await world.end(pod, success);
    await world.control.clock.advance(1_000);
    expect(world.job()?.status).toMatchObject({ failed: 1, succeeded: 0, active: 1 });
    await world.control.drop({ kind: "Node", namespace: "", name: "node-a" });
    await world.control.clock.advance(1_000);
    expect(world.job()?.status).toMatchObject({ failed: 1, succeeded: 0, active: 1 });
    expect(world.pods()).toHaveLength(1);
  });

  test("is replaced only when its node was deleted, if only what has stopped is replaced; a policy may ignore it", async () => {
    const rule = { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] };
    const { world } = await lose({ podFailurePolicy: { rules: [rule] } });
    await world.control.clock.advance(60_000);
    expect(world.job()?.status).toMatchObject({ failed: 0, active: 0, terminating: 1 });
    await world.control.drop({ kind: "Node", namespace: "", name: "node-a" });
    await world.control.clock.advance(12_000);
    expect(world.job()?.status).toMatchObject({ failed: 0, active: 1, terminating: 0 });
    expect(world.pods()).toHaveLength(1);
  });
});

test("a job of another controller is left alone", async () => {
  const world = await opened({ managedBy: "example.org/jobs" });
  expect(world.pods()).toEqual([]);
  expect(world.job()?.status).toBeUndefined();
});
