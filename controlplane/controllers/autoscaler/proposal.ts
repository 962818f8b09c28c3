import { metaOf } from "../../../kinds/object.js";
import { isPodActive, isPodReady } from "../../../kinds/pod-state.js";
import {
  type ContainerResourceMetricSource,
  type MetricSpec,
  MetricStatus,
  type MetricTarget,
  type ObjectMetricSource,
  type PodsMetricSource,
  type ResourceMetricSource,
} from "../../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { View } from "../../cache/view.js";
import type { UsageSource } from "../../sessions/usage-source.js";
import { metricMeasures, milli, quantityOf, type Resource, requestsOf, resourceMeasures } from "./measures.js";
import {
  type Count,
  countByAverage,
  countByShare,
  countByUtilization,
  countByValue,
  type Tolerance,
} from "./replica-count.js";
import { podsBehind } from "./target-pods.js";

/** What a metric makes of the replicas, or why it says nothing. Reasons are Kubernetes'. */
export type Proposal =
  | { readonly is: "count"; readonly replicas: number; readonly metric: string; readonly status: MetricStatus }
  | { readonly is: "failed"; readonly reason: string; readonly why: string };

/** What is measured, and by whom. */
export interface Scene {
  readonly view: View;
  readonly usage: UsageSource;
  readonly namespace: string;
  /** The pods of the target. */
  readonly pods: readonly Pod[];
  readonly currentReplicas: number;
  readonly tolerance: Tolerance;
  readonly nowMs: number;
}

/** What one metric of an autoscaler asks for. */
export function proposalOf(metric: MetricSpec, scene: Scene): Proposal {
  const { resource, containerResource, pods, object } = metric;
  if (metric.type === "Resource" && resource !== undefined) return byResource(resource, scene);
  if (metric.type === "ContainerResource" && containerResource !== undefined)
    return byContainer(containerResource, scene);
  if (metric.type === "Pods" && pods !== undefined) return byPods(pods, scene);
  if (metric.type === "Object" && object !== undefined) return byObject(object, scene);
  if (metric.type === "External")
    return failed("FailedGetExternalMetric", "there is no source of external metrics in this cluster");
  return failed("InvalidMetricSourceType", `unknown metric source type "${metric.type}"`);
}

function failed(reason: string, why: string): Proposal {
  return { is: "failed", reason, why };
}

function byResource({ name, target }: ResourceMetricSource, scene: Scene): Proposal {
  const count = countResource(name, undefined, target, scene);
  if (count.is === "unknown")
    return failed("FailedGetResourceMetric", `failed to get ${name} ${kindOf(target)}: ${count.why}`);
  const metric = target?.averageUtilization === undefined ? `${name} resource` : `${name} resource ${ofRequest}`;
  const status = MetricStatus.fromPartial({ type: "Resource", resource: { name, current: currentOf(count) } });
  return { is: "count", replicas: count.replicas, metric, status };
}

function byContainer({ name, target, container }: ContainerResourceMetricSource, scene: Scene): Proposal {
  const count = countResource(name, container, target, scene);
  if (count.is === "unknown")
    return failed("FailedGetContainerResourceMetric", `failed to get ${name} ${kindOf(target)}: ${count.why}`);
  const what = `${name} container resource`;
  const metric = target?.averageUtilization === undefined ? what : `${what} ${ofRequest}`;
  const containerResource = { name, container, current: currentOf(count) };
  const status = MetricStatus.fromPartial({ type: "ContainerResource", containerResource });
  return { is: "count", replicas: count.replicas, metric, status };
}

const ofRequest = "utilization (percentage of request)";

function kindOf(target: MetricTarget | undefined): string {
  return target?.averageUtilization === undefined ? "usage" : "utilization";
}

function countResource(
  name: string,
  container: string | undefined,
  target: MetricTarget | undefined,
  scene: Scene,
): Count {
  const resource: Resource = name === "memory" ? "memory" : "cpu";
  const which = { resource, container };
  const measured = { ...scene, measures: resourceMeasures(scene.usage, scene.pods, which), isCpu: resource === "cpu" };
  if (target?.averageUtilization === undefined) return countByAverage(measured, milli(target?.averageValue ?? ""));
  const requests = requestsOf(scene.pods, which);
  if (typeof requests === "string") return { is: "unknown", why: requests };
  return countByUtilization(measured, requests, target.averageUtilization);
}

function currentOf(count: Extract<Count, { is: "count" }>): { averageValue: string; averageUtilization?: number } {
  const averageValue = quantityOf(count.average);
  return count.utilization === undefined ? { averageValue } : { averageValue, averageUtilization: count.utilization };
}

function byPods({ metric, target }: PodsMetricSource, scene: Scene): Proposal {
  const name = metric?.name ?? "";
  const measures = metric === undefined ? new Map() : metricMeasures(scene.usage, scene.pods, metric);
  const count = countByAverage({ ...scene, measures, isCpu: false }, milli(target?.averageValue ?? ""));
  if (count.is === "unknown") return failed("FailedGetPodsMetric", `unable to get metric ${name}: ${count.why}`);
  const current = { averageValue: quantityOf(count.average) };
  const status = MetricStatus.fromPartial({ type: "Pods", pods: { metric, current } });
  return { is: "count", replicas: count.replicas, metric: `pods metric ${name}`, status };
}

/** The value of an object is the sum of what the pods behind it export: those of a queue's service say how long the queue is. */
function byObject({ describedObject, metric, target }: ObjectMetricSource, scene: Scene): Proposal {
  const { kind = "", name = "" } = describedObject ?? {};
  const metricName = metric?.name ?? "";
  const where = `${kind} on ${scene.namespace} ${name}/${metricName}`;
  const pods = podsBehind(scene.view, scene.namespace, { kind, name });
  if (pods === undefined)
    return failed("FailedGetObjectMetric", `unable to get metric ${where}: no such object with pods`);
  const measures = metric === undefined ? [] : [...metricMeasures(scene.usage, pods, metric).values()];
  if (measures.length === 0)
    return failed("FailedGetObjectMetric", `unable to get metric ${where}: no pod of ${kind} ${name} exports it`);
  const total = measures.reduce((sum, { value }) => sum + value, 0);
  const { currentReplicas, tolerance } = scene;
  const readyCount = scene.pods.filter((pod) => isPodActive(pod) && isPodReady(pod)).length;
  const isShared = (target?.averageValue ?? "") !== "";
  const replicas = isShared
    ? countByShare(total, milli(target?.averageValue ?? ""), currentReplicas, tolerance)
    : countByValue(total, milli(target?.value ?? ""), { currentReplicas, readyCount, tolerance });
  const current = isShared
    ? { averageValue: quantityOf(total / Math.max(1, currentReplicas)) }
    : { value: quantityOf(total) };
  const status = MetricStatus.fromPartial({ type: "Object", object: { metric, describedObject, current } });
  return { is: "count", replicas, metric: `${kind} metric ${metricName}`, status };
}

/** The metrics that nodes must read for an autoscaler, by uid of the pod. */
export function wantedSeries(
  metrics: readonly MetricSpec[],
  scene: Pick<Scene, "view" | "namespace" | "pods">,
): ReadonlyMap<string, readonly string[]> {
  const wanted = new Map<string, string[]>();
  for (const { pods, object } of metrics) {
    const name = (pods ?? object)?.metric?.name ?? "";
    if (name === "") continue;
    const described = object?.describedObject;
    const sources =
      pods === undefined ? podsBehind(scene.view, scene.namespace, described ?? { kind: "", name: "" }) : scene.pods;
    for (const pod of sources ?? []) {
      const { uid } = metaOf(pod);
      wanted.set(uid, [...new Set([...(wanted.get(uid) ?? []), name])]);
    }
  }
  return wanted;
}
