import fc from "fast-check";
import { expect, test } from "vitest";
import { START_AFTER, START_WAITS } from "../../../kinds/start-after.js";
import { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { Job } from "../../../proto/gen/tallship/v1/job.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { ReplicaSet } from "../../../proto/gen/tallship/v1/replicaset.js";
import { Service } from "../../../proto/gen/tallship/v1/service.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { startOrder } from "./start-order.js";

async function newWorld(after: string): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([startOrder()]);
  await world.put({ kind: "Pod", object: podOf("web", {}, { [START_AFTER]: after }) });
  await world.converge();
  return world;
}

type State = "waiting" | "running" | "ready" | "succeeded" | "failed";

const PHASES: Readonly<Record<State, string>> = {
  waiting: "Pending",
  running: "Running",
  ready: "Running",
  succeeded: "Succeeded",
  failed: "Failed",
};

function statusOf(state: State): Parameters<typeof Pod.fromPartial>[0]["status"] {
  const isRunning = state === "running" || state === "ready";
  const ended = { terminated: { exitCode: state === "failed" ? 1 : 0 } };
  const now = isRunning ? { running: { startedAt: "" } } : state === "waiting" ? { waiting: { reason: "" } } : ended;
  return {
    phase: PHASES[state],
    containerStatuses: [{ name: "main", state: now }],
    conditions: [{ type: "Ready", status: state === "ready" ? "True" : "False" }],
  };
}

interface Parts {
  readonly state?: State;
  readonly owner?: string;
}

function podOf(name: string, { state = "waiting", owner }: Parts, annotations: Record<string, string> = {}): Pod {
  const ownerReferences =
    owner === undefined
      ? []
      : [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner, controller: true }];
  const metadata = { name, namespace: "default", uid: name, labels: { app: name }, annotations, ownerReferences };
  return Pod.fromPartial({
    metadata,
    spec: { containers: [{ name: "main", image: "x" }] },
    status: statusOf(state),
  });
}

const waits = (world: ControlWorld): string | undefined =>
  world.view.get("Pod", "default", "web")?.metadata?.annotations[START_WAITS];

const put = async (world: ControlWorld, pod: Pod): Promise<void> => {
  await world.put({ kind: "Pod", object: pod });
  await world.converge();
};

// dependency, state of the pod named db, what is left to wait for; undefined: nothing was fulfilled yet.
const rows = [
  ["db=started", "waiting", undefined],
  ["db=started", "running", ""],
  ["db=started", "succeeded", ""],
  ["db=healthy", "running", undefined],
  ["db=healthy", "ready", ""],
  ["db=completed", "ready", undefined],
  ["db=completed", "succeeded", ""],
  ["db=completed", "failed", undefined],
  ["db=completed?", "failed", ""],
  ["db=healthy,cache=started", "ready", "cache=started"],
  ["db=healthy,cache=started?", "ready", ""],
] as const;

for (const [after, state, left] of rows) {
  test(`a pod that starts after ${after} waits for ${JSON.stringify(left)} when db is ${state}`, async () => {
    const world = await newWorld(after);
    await put(world, podOf("db", { state }));
    expect(waits(world)).toBe(left);
  });
}

test("a deployment is healthy once as many pods are ready as it wants, and a service as soon as one is", async () => {
  const world = await newWorld("db=healthy,front=healthy");
  await world.put({
    kind: "Deployment",
    object: Deployment.fromPartial({ metadata: { name: "db", namespace: "default", uid: "d" }, spec: { replicas: 2 } }),
  });
  const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "db", uid: "d", controller: true };
  const metadata = { name: "db-1", namespace: "default", uid: "db-1", ownerReferences: [owner] };
  await world.put({ kind: "ReplicaSet", object: ReplicaSet.fromPartial({ metadata, spec: { replicas: 2 } }) });
  await put(world, podOf("db-1-a", { state: "ready", owner: "db-1" }));
  expect(waits(world)).toBe(undefined);
  await put(world, podOf("db-1-b", { state: "ready", owner: "db-1" }));
  expect(waits(world)).toBe("front=healthy");
  await put(world, podOf("db-1-b", { state: "running", owner: "db-1" }));
  expect(waits(world)).toBe("front=healthy");
  const selected = Service.fromPartial({
    metadata: { name: "front", namespace: "default" },
    spec: { selector: { app: "db-1-a" } },
  });
  await world.put({ kind: "Service", object: selected });
  await world.converge();
  expect(waits(world)).toBe("");
});

test("a job has completed when it says so, whatever became of single pods of it", async () => {
  const world = await newWorld("migrate=completed");
  const job = (status: string): Job =>
    Job.fromPartial({
      metadata: { name: "migrate", namespace: "default", uid: "j" },
      status: { conditions: [{ type: "Complete", status }] },
    });
  await world.put({ kind: "Job", object: job("False") });
  const owner = { apiVersion: "batch/v1", kind: "Job", name: "migrate", uid: "j", controller: true };
  const pod = podOf("migrate-1", { state: "failed" });
  await put(world, Pod.fromPartial({ ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } }));
  expect(waits(world)).toBe(undefined);
  await world.put({ kind: "Job", object: job("True") });
  await world.converge();
  expect(waits(world)).toBe("");
});

test("whatever happens to the dependencies, what a pod waits for only gets shorter, and no more is written than that", async () => {
  const states = fc.constantFrom<State>("waiting", "running", "ready", "succeeded", "failed");
  const changes = fc.array(fc.tuple(fc.constantFrom("db", "cache"), states), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(changes, async (all) => {
      const world = await newWorld("db=healthy,cache=started");
      let before = 2;
      for (const [name, state] of all) {
        await put(world, podOf(name, { state }));
        const left = waits(world) ?? "db=healthy,cache=started";
        const count = left === "" ? 0 : left.split(",").length;
        expect(count).toBeLessThanOrEqual(before);
        before = count;
      }
      world.stop.abort();
    }),
    { numRuns: 30 },
  );
});
