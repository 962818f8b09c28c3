import type {
  HorizontalPodAutoscalerSpec,
  MetricSpec,
  MetricTarget,
} from "../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import { MetricSpec as MetricSpecMessage } from "../proto/gen/tallship/v1/horizontalpodautoscaler.js";

/** Kubernetes' measure for an autoscaler that names none: percent of the requested CPU. */
const usualPercent = 80;

/** What an autoscaler measures: its metrics, the one of autoscaling/v1's form, or Kubernetes' default. */
export function metricsOf(spec: HorizontalPodAutoscalerSpec | undefined): readonly MetricSpec[] {
  if (spec !== undefined && spec.metrics.length > 0) return spec.metrics;
  const averageUtilization = spec?.targetCPUUtilizationPercentage ?? usualPercent;
  return [
    MetricSpecMessage.fromPartial({
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
    }),
  ];
}

/** The target of a metric; undefined when its source is absent. */
export function targetOf(metric: MetricSpec): MetricTarget | undefined {
  const { resource, containerResource, pods, object, external } = metric;
  return (resource ?? containerResource ?? pods ?? object ?? external)?.target;
}
