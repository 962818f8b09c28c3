import fc from "fast-check";
import { expect, test } from "vitest";
import { COPY_OF } from "../../kinds/config-copies.js";
import { isPodActive } from "../../kinds/pod-state.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { DaemonSet } from "../../proto/gen/tallship/v1/daemonset.js";
import { Job } from "../../proto/gen/tallship/v1/job.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { ReplicaSet } from "../../proto/gen/tallship/v1/replicaset.js";
import { ResourceQuota } from "../../proto/gen/tallship/v1/resourcequota.js";
import type { ControlWorld } from "../../test/kit/control-world.js";
import { worldOfTest } from "../../test/kit/world-of-test.js";
import { daemonSet } from "./daemon-set/daemon-set.js";
import { job } from "./job/job.js";
import { quota } from "./quota.js";
import { replicaSet } from "./replica-set.js";
import { serviceAccount } from "./service-account.js";

async function newWorld(hard: Record<string, string>): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([quota, replicaSet]);
  await setHard(world, hard);
  return world;
}

const setHard = (world: ControlWorld, hard: Record<string, string>): Promise<void> =>
  world.put({
    kind: "ResourceQuota",
    object: ResourceQuota.fromPartial({ metadata: { name: "q", namespace: "default" }, spec: { hard } }),
  });

const putSet = (world: ControlWorld, replicas: number): Promise<void> =>
  world.put({
    kind: "ReplicaSet",
    object: ReplicaSet.fromPartial({
      metadata: { name: "web", namespace: "default", uid: "set-uid", generation: 1 },
      spec: {
        replicas,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "main", image: "web:1", resources: { requests: { cpu: "500m" } } }] },
        },
      },
    }),
  });

const activeCount = (world: ControlWorld): number =>
  world.view.list("Pod", "default").filter(({ object }) => isPodActive(object)).length;
const used = (world: ControlWorld): unknown => world.view.get("ResourceQuota", "default", "q")?.status?.used;
const failure = (world: ControlWorld): string | undefined =>
  world.view.get("ReplicaSet", "default", "web")?.status?.conditions.find(({ type }) => type === "ReplicaFailure")
    ?.message;

test("a replica set fills its quota and no more, says why, and goes on when there is room", async () => {
  const world = await newWorld({ pods: "3", "requests.cpu": "10" });
  await putSet(world, 5);
  await world.converge();
  expect(activeCount(world)).toBe(3);
  expect(used(world)).toEqual({ pods: "3", "requests.cpu": "1500m" });
  expect(failure(world)).toMatch(
    /^pods "web-\w+" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3$/,
  );
  expect(world.view.get("ReplicaSet", "default", "web")?.status?.replicas).toBe(3);
  expect(world.notices.filter(({ reason }) => reason === "FailedCreate").map(({ about }) => about.name)).toContain(
    "web",
  );
  await setHard(world, { pods: "4" });
  await world.converge();
  expect(activeCount(world)).toBe(4);
  await setHard(world, { pods: "9" });
  await world.converge();
  expect(activeCount(world)).toBe(5);
  expect(failure(world)).toBeUndefined();
  expect(used(world)).toEqual({ pods: "5" });
});

test("a job fills its quota, counts only those as active, and rests until it is tried again", async () => {
  const world = await worldOfTest();
  world.run([quota, job]);
  await setHard(world, { pods: "2" });
  const template = { metadata: { labels: { app: "j" } }, spec: { containers: [{ name: "main", image: "j:1" }] } };
  await world.put({
    kind: "Job",
    object: Job.fromPartial({
      metadata: { name: "j", namespace: "default", uid: "job-uid", generation: 1 },
      spec: { parallelism: 5, completions: 5, selector: { matchLabels: { app: "j" } }, template },
    }),
  });
  await world.converge(60_000);
  const { status } = world.view.get("Job", "default", "j") ?? {};
  expect([activeCount(world), status?.active, status?.nextOrdinal]).toEqual([2, 2, 2]);
  const refusals = world.notices.filter(({ reason }) => reason === "FailedCreate").map(({ message }) => message);
  expect([...new Set(refusals)]).toEqual([expect.stringMatching(/^Error creating: Pod\/default\/j-\w+ is forbidden/)]);
  await setHard(world, { pods: "4" });
  await world.converge(60_000);
  expect([activeCount(world), world.view.get("Job", "default", "j")?.status?.active]).toEqual([4, 4]);
});

test("a daemon set whose pods a quota refuses rests until it is tried again", async () => {
  const world = await worldOfTest();
  world.run([quota, daemonSet(() => "d")]);
  await setHard(world, { pods: "2" });
  for (const name of ["a", "b", "c"])
    await world.put({
      kind: "Node",
      object: Node.fromPartial({ metadata: { name, labels: { "kubernetes.io/hostname": name } } }),
    });
  const template = { metadata: { labels: { app: "d" } }, spec: { containers: [{ name: "main", image: "d:1" }] } };
  await world.put({
    kind: "DaemonSet",
    object: DaemonSet.fromPartial({
      metadata: { name: "d", namespace: "default", uid: "set-uid", generation: 1 },
      spec: { selector: { matchLabels: { app: "d" } }, template },
    }),
  });
  await world.converge(60_000);
  expect([activeCount(world), world.view.get("DaemonSet", "default", "d")?.status?.nextOrdinal]).toEqual([2, 2]);
});

test("what finished or went is counted no more, and its place is taken", async () => {
  const world = await newWorld({ pods: "2", "count/pods": "9" });
  await putSet(world, 3);
  await world.converge();
  const [first] = world.view.list("Pod", "default");
  await world.edit("Pod", first?.object.metadata?.name ?? "", (pod) =>
    Pod.fromPartial({ ...pod, status: { ...pod.status, phase: "Failed" } }),
  );
  await world.converge();
  expect(activeCount(world)).toBe(2);
  expect(used(world)).toEqual({ "count/pods": "3", pods: "2" });
});

test("a pod that leaves out what the quota bounds is refused by name", async () => {
  const world = await newWorld({ "limits.memory": "1Gi" });
  await putSet(world, 1);
  await world.converge();
  expect(failure(world)).toContain("failed quota: q: must specify limits.memory for: main");
});

test("whatever the bounds and wishes, no more than the bound stands, and the count is right", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ bound: fc.integer({ min: 0, max: 6 }), wish: fc.integer({ min: 0, max: 6 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
      async (steps) => {
        const world = await newWorld({ pods: "0" });
        let most = 0;
        for (const { bound, wish } of steps) {
          const before = activeCount(world);
          await setHard(world, { pods: String(bound) });
          await putSet(world, wish);
          await world.converge();
          // What stood before may stay above a bound that came later.
          most = Math.max(bound, Math.min(before, wish));
          expect(activeCount(world)).toBeLessThanOrEqual(most);
          expect(used(world)).toEqual({ pods: String(activeCount(world)) });
        }
        world.stop.abort();
      },
    ),
    { numRuns: 15 },
  );
});

test("each namespace has a service account called default, also when it was deleted", async () => {
  const world = await worldOfTest();
  world.run([serviceAccount]);
  await world.put({ kind: "Namespace", object: Namespace.fromPartial({ metadata: { name: "team" } }) });
  await world.converge();
  const key = { kind: "ServiceAccount", namespace: "team", name: "default" } as const;
  const first = world.view.get("ServiceAccount", "team", "default")?.metadata?.uid;
  expect(first).toBeDefined();
  await world.drop(key);
  await world.converge();
  expect(world.view.get("ServiceAccount", "team", "default")?.metadata?.uid).not.toBe(first);
});

test("copies that revisions keep are not counted", async () => {
  const world = await newWorld({ configmaps: "5" });
  const config = (metadata: object): Promise<void> =>
    world.put({
      kind: "ConfigMap",
      object: ConfigMap.fromPartial({ metadata: { namespace: "default", ...metadata } }),
    });
  await config({ name: "conf" });
  await config({ name: "conf-1", labels: { [COPY_OF]: "conf" }, ownerReferences: [{ uid: "set-uid" }] });
  await world.converge();
  expect(used(world)).toEqual({ configmaps: "1" });
});
