import { afterEach, expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import { conditionOf } from "../../../kinds/pod-state.js";
import { rfc3339 } from "../../../lib/clock.js";
import { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { HorizontalPodAutoscaler } from "../../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { Service } from "../../../proto/gen/tallship/v1/service.js";
import { type ControlWorld, controlWorld } from "../../../test/kit/control-world.js";
import { FakeUsage } from "../../../test/kit/fake-usage.js";
import { autoscaler } from "./autoscaler.js";

let world: ControlWorld;
let usage: FakeUsage;
afterEach(() => world.stop.abort());

type SpecParts = NonNullable<Parameters<typeof HorizontalPodAutoscaler.fromPartial>[0]["spec"]>;

const meta = (name: string, app = name) => ({
  name,
  namespace: "default",
  uid: `${name}-uid`,
  generation: 1,
  labels: { app },
});

/** A deployment with that many pods, each of one container that requests one core, and an autoscaler. */
async function scaled(replicas: number, spec: SpecParts = {}): Promise<void> {
  world = await controlWorld();
  usage = new FakeUsage();
  world.run([autoscaler(usage)]);
  const deployed = {
    metadata: meta("web"),
    spec: { replicas, selector: { matchLabels: { app: "web" } } },
    status: { replicas },
  };
  await world.put({ kind: "Deployment", object: Deployment.fromPartial(deployed) });
  for (let at = 0; at < replicas; at += 1) await run(`web-${at}`, "web");
  const wanted = {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    maxReplicas: 10,
    ...spec,
  };
  await world.put({
    kind: "HorizontalPodAutoscaler",
    object: HorizontalPodAutoscaler.fromPartial({ metadata: meta("h"), spec: wanted }),
  });
}

async function run(name: string, app: string): Promise<void> {
  const time = rfc3339(world.clock.nowMs() - 3_600_000);
  const status = {
    phase: "Running",
    startTime: time,
    conditions: [{ type: "Ready", status: "True", lastTransitionTime: time }],
  };
  const spec = { nodeName: "node-a", containers: [{ name: "main", resources: { requests: { cpu: "1" } } }] };
  await world.put({ kind: "Pod", object: Pod.fromPartial({ metadata: meta(name, app), spec, status }) });
}

function use(cpuMillicores: number, count = 10): void {
  const rate = { name: "main", cpuMillicores, memoryBytes: 2 ** 20, readAtMs: world.clock.nowMs(), windowMs: 15_000 };
  for (let at = 0; at < count; at += 1) usage.containers.set(`web-${at}-uid`, [rate]);
}

function say(uid: string, name: string, value: number, labels: Readonly<Record<string, string>> = {}): void {
  usage.series.set(uid, [{ name, labels, value, readAtMs: 0 }]);
}

const replicas = (): number | undefined => world.view.get("Deployment", "default", "web")?.spec?.replicas;
const status = () => world.view.get("HorizontalPodAutoscaler", "default", "h")?.status;
const condition = (type: string): string => {
  const found = conditionOf(status()?.conditions, type);
  return `${found?.status} ${found?.reason}`;
};
const cpu = (averageUtilization: number) => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});

test("load above the target brings pods, as fast as the policies allow; the change is told", async () => {
  await scaled(1, { metrics: [cpu(50)] });
  use(1_000);
  await world.clock.advance(15_000);
  expect(replicas()).toBe(2);
  expect(status()).toMatchObject({
    currentReplicas: 1,
    desiredReplicas: 2,
    currentMetrics: [{ resource: { name: "cpu", current: { averageUtilization: 100, averageValue: "1" } } }],
  });
  expect(["AbleToScale", "ScalingActive", "ScalingLimited"].map(condition)).toEqual([
    "True SucceededRescale",
    "True ValidMetricFound",
    "False DesiredWithinRange",
  ]);
  expect(world.notices.filter(({ type }) => type === "Normal")).toMatchObject([
    {
      type: "Normal",
      reason: "SuccessfulRescale",
      message: "New size: 2; reason: cpu resource utilization (percentage of request) above target",
    },
  ]);
  expect(metaOf(world.view.get("Deployment", "default", "web") ?? {}).generation).toBe(2);
});

test("less load takes pods away only once five minutes asked for no more", async () => {
  await scaled(4, { metrics: [cpu(50)] });
  use(100);
  await world.clock.advance(60_000);
  expect(replicas()).toBe(4);
  expect(condition("AbleToScale")).toBe("True ScaleDownStabilized");
  await world.clock.advance(260_000);
  expect(replicas()).toBe(1);
});

test("pods whose usage is not known leave the number as it is, and the condition says why", async () => {
  await scaled(3);
  await world.clock.advance(15_000);
  expect(replicas()).toBe(3);
  expect(condition("ScalingActive")).toBe("False FailedGetResourceMetric");
  expect(conditionOf(status()?.conditions, "ScalingActive")?.message).toContain("did not receive metrics");
  const { revision } = world.view;
  await world.clock.advance(60_000);
  expect(world.view.revision).toBe(revision);
  expect(world.notices.map(({ reason }) => reason)).toEqual(["FailedComputeMetricsReplicas"]);
});

test("a share of what nobody requests cannot be taken, an amount can", async () => {
  await scaled(2, {
    metrics: [
      { type: "Resource", resource: { name: "memory", target: { type: "Utilization", averageUtilization: 50 } } },
    ],
  });
  use(100);
  await world.clock.advance(15_000);
  expect(conditionOf(status()?.conditions, "ScalingActive")?.message).toContain(
    "missing request for memory in container main of Pod web-0",
  );
  world.stop.abort();
  await scaled(2, {
    metrics: [
      { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "512Ki" } } },
    ],
  });
  use(100);
  await world.clock.advance(15_000);
  expect(replicas()).toBe(4);
});

// What is left of the metrics' wishes: bounds first, and no replicas at all mean that the user has switched it off.
const bounds = [
  { name: "above the most", at: 12, spec: { maxReplicas: 10 }, want: 10, limited: "True TooManyReplicas" },
  { name: "below the least", at: 1, spec: { minReplicas: 3 }, want: 3, limited: "True TooFewReplicas" },
];
for (const { name, at, spec, want, limited } of bounds)
  test(`a number ${name} is brought back`, async () => {
    await scaled(at, spec);
    await world.clock.advance(15_000);
    expect(replicas()).toBe(want);
    expect(condition("ScalingLimited")).toBe(limited);
  });

test("a target that was scaled to none is left alone", async () => {
  await scaled(0, { metrics: [cpu(50)] });
  await world.clock.advance(30_000);
  expect(replicas()).toBe(0);
  expect(condition("ScalingActive")).toBe("False ScalingDisabled");
});

test("the metric that asks for most counts; one that fails keeps the others from taking away", async () => {
  const pods = {
    type: "Pods",
    pods: { metric: { name: "queue" }, target: { type: "AverageValue", averageValue: "10" } },
  };
  await scaled(2, { metrics: [cpu(50), pods], behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } });
  use(100);
  await world.clock.advance(15_000);
  expect(replicas()).toBe(2);
  expect(condition("ScalingActive")).toBe("False FailedGetPodsMetric");
  for (const at of [0, 1]) say(`web-${at}-uid`, "queue", 25.5);
  await world.clock.advance(15_000);
  expect(replicas()).toBe(6);
  expect(status()?.currentMetrics[1]?.pods?.current?.averageValue).toBe("25500m");
});

test("nodes are asked for usage and for the metrics of just the pods that need them, while there is an autoscaler", async () => {
  const pods = {
    type: "Pods",
    pods: { metric: { name: "queue" }, target: { type: "AverageValue", averageValue: "10" } },
  };
  await scaled(2, { metrics: [pods] });
  await world.clock.advance(15_000);
  expect(usage.wish.everyMs).toBeGreaterThan(0);
  expect([...usage.wish.metrics]).toEqual([
    ["web-0-uid", ["queue"]],
    ["web-1-uid", ["queue"]],
  ]);
  await world.drop({ kind: "HorizontalPodAutoscaler", namespace: "default", name: "h" });
  await world.clock.advance(1_000);
  expect(usage.wish).toEqual({ everyMs: 0, metrics: new Map() });
});

test("a queue's length, as its pods export it, brings workers from none and takes the last away", async () => {
  const object = {
    type: "Object",
    object: {
      describedObject: { kind: "Service", name: "queue" },
      metric: { name: "jobs", selector: { matchLabels: { state: "waiting" } } },
      target: { type: "AverageValue", averageValue: "5" },
    },
  };
  await scaled(0, { minReplicas: 0, metrics: [object], behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } });
  await run("queue-0", "queue");
  await world.put({
    kind: "Service",
    object: Service.fromPartial({ metadata: meta("queue"), spec: { selector: { app: "queue" } } }),
  });
  say("queue-0-uid", "jobs", 12, { state: "waiting" });
  await world.clock.advance(15_000);
  expect(replicas()).toBe(3);
  say("queue-0-uid", "jobs", 12, { state: "done" });
  await world.clock.advance(15_000);
  expect(replicas()).toBe(3);
  expect(condition("ScalingActive")).toBe("False FailedGetObjectMetric");
  say("queue-0-uid", "jobs", 0, { state: "waiting" });
  await world.clock.advance(15_000);
  expect(replicas()).toBe(0);
});

test("a target that does not exist, or has no scale, is named", async () => {
  await scaled(1, { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "none" } });
  await world.clock.advance(1_000);
  expect(condition("AbleToScale")).toBe("False FailedGetScale");
  expect(conditionOf(status()?.conditions, "AbleToScale")?.message).toContain('deployments.apps "none" not found');
});

test("a metric from outside the cluster is refused by the condition", async () => {
  await scaled(1, {
    metrics: [{ type: "External", external: { metric: { name: "q" }, target: { type: "Value", value: "1" } } }],
  });
  await world.clock.advance(1_000);
  expect(condition("ScalingActive")).toBe("False FailedGetExternalMetric");
});
