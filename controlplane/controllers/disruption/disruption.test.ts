import { afterEach, expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import { conditionOf } from "../../../kinds/pod-state.js";
import { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import type { IntOrString } from "../../../proto/gen/tallship/v1/meta.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { PodDisruptionBudget } from "../../../proto/gen/tallship/v1/poddisruptionbudget.js";
import { ReplicaSet } from "../../../proto/gen/tallship/v1/replicaset.js";
import { type ControlWorld, controlWorld } from "../../../test/kit/control-world.js";
import { disruption } from "./disruption.js";

let world: ControlWorld;
afterEach(() => world.stop.abort());

const count = (value: number): IntOrString => ({ value: { $case: "intVal", value } });
const percent = (value: string): IntOrString => ({ value: { $case: "strVal", value } });
const owner = (kind: string, name: string) => [
  { apiVersion: "apps/v1", kind, name, uid: `${name}-uid`, controller: true },
];

interface Shape {
  readonly ready: number;
  readonly unready?: number;
  readonly replicas?: number;
  readonly controller?: string;
}

/** Pods of a deployment's replica set, and a budget over them. */
async function protect(
  bounds: { readonly minAvailable?: IntOrString; readonly maxUnavailable?: IntOrString },
  { ready, unready = 0, replicas = ready + unready, controller = "ReplicaSet" }: Shape,
): Promise<void> {
  world = await controlWorld();
  world.run([disruption]);
  const meta = (name: string) => ({ name, namespace: "default", uid: `${name}-uid`, generation: 1 });
  const deployed = { metadata: meta("web"), spec: { replicas } };
  await world.put({ kind: "Deployment", object: Deployment.fromPartial(deployed) });
  const set = { metadata: { ...meta("set"), ownerReferences: owner("Deployment", "web") }, spec: { replicas: 1 } };
  await world.put({ kind: "ReplicaSet", object: ReplicaSet.fromPartial(set) });
  for (let at = 0; at < ready + unready; at += 1) {
    const metadata = { ...meta(`p${at}`), labels: { app: "web" }, ownerReferences: owner(controller, "set") };
    const status = { phase: "Running", conditions: [{ type: "Ready", status: at < ready ? "True" : "False" }] };
    await world.put({ kind: "Pod", object: Pod.fromPartial({ metadata, status }) });
  }
  const spec = { ...bounds, selector: { matchLabels: { app: "web" } } };
  await world.put({
    kind: "PodDisruptionBudget",
    object: PodDisruptionBudget.fromPartial({ metadata: meta("b"), spec }),
  });
  await world.converge();
}

const status = () => world.view.get("PodDisruptionBudget", "default", "b")?.status;

// Kubernetes' own rules: counts are of pods that exist, percentages of what is asked for, both rounded up.
const rows = [
  { name: "a count with one to spare", bounds: { minAvailable: count(2) }, shape: { ready: 3 }, want: [1, 3, 2, 3] },
  { name: "a count just kept", bounds: { minAvailable: count(3) }, shape: { ready: 3 }, want: [0, 3, 3, 3] },
  {
    name: "a pod that is not ready",
    bounds: { minAvailable: count(2) },
    shape: { ready: 2, unready: 1 },
    want: [0, 2, 2, 3],
  },
  {
    name: "a percentage rounded up",
    bounds: { minAvailable: percent("50%") },
    shape: { ready: 3 },
    want: [1, 3, 2, 3],
  },
  { name: "one missing at most", bounds: { maxUnavailable: count(1) }, shape: { ready: 3 }, want: [1, 3, 2, 3] },
  {
    name: "one missing already",
    bounds: { maxUnavailable: count(1) },
    shape: { ready: 2, replicas: 3 },
    want: [0, 2, 2, 3],
  },
  {
    name: "a share missing, rounded up",
    bounds: { maxUnavailable: percent("30%") },
    shape: { ready: 4 },
    want: [2, 4, 2, 4],
  },
  { name: "more than all may miss", bounds: { maxUnavailable: count(9) }, shape: { ready: 3 }, want: [3, 3, 0, 3] },
  { name: "no pods", bounds: { minAvailable: count(0) }, shape: { ready: 0 }, want: [0, 0, 0, 0] },
];

for (const { name, bounds, shape, want } of rows)
  test(`disruptions allowed, healthy, needed, expected: ${name}`, async () => {
    await protect(bounds, shape);
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods, conditions = [] } = status() ?? {};
    expect([disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods]).toEqual(want);
    const condition = conditionOf(conditions, "DisruptionAllowed");
    expect(condition?.reason).toBe(disruptionsAllowed === 0 ? "InsufficientPods" : "SufficientPods");
  });

test("a pod that goes and a deployment that is scaled change what is allowed; at rest nothing is written", async () => {
  await protect({ maxUnavailable: count(1) }, { ready: 3 });
  await world.edit("Pod", "p0", (pod) => ({
    ...pod,
    metadata: { ...metaOf(pod), deletionTimestamp: "2026-01-01T00:00:00Z" },
  }));
  await world.converge();
  expect(status()).toMatchObject({ disruptionsAllowed: 0, currentHealthy: 2 });
  await world.edit("Deployment", "web", (live) =>
    Deployment.fromPartial({ ...live, spec: { ...live.spec, replicas: 2 } }),
  );
  await world.converge();
  expect(status()).toMatchObject({ disruptionsAllowed: 1, desiredHealthy: 1, expectedPods: 2 });
  const { revision } = world.view;
  await world.clock.advance(60_000);
  expect(world.view.revision).toBe(revision);
});

test("a percentage of pods whose controller has no scale allows nothing and says so", async () => {
  await protect({ maxUnavailable: percent("50%") }, { ready: 2, controller: "Job" });
  expect(status()?.disruptionsAllowed).toBe(0);
  expect(conditionOf(status()?.conditions, "DisruptionAllowed")).toMatchObject({
    status: "False",
    reason: "SyncFailed",
  });
  expect(world.notices.map(({ reason }) => reason)).toEqual(["CalculateExpectedPodCountFailed"]);
});
