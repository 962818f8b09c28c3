import { metricsOf, targetOf } from "../../kinds/autoscaler-metrics.js";
import type {
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricSpec,
  MetricStatus,
  MetricValueStatus,
} from "../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import { conditionsTable, headOf, type Surroundings, withEvents } from "./facts.js";
import { Page } from "./page.js";

const UNKNOWN = "<unknown>";

/** An autoscaler: what is scaled, each measure against its target, and how fast it may go. */
export function describeAutoscaler(autoscaler: HorizontalPodAutoscaler, around: Surroundings): Page {
  const { metadata, spec, status } = autoscaler;
  const page = headOf(metadata, around.nowMs);
  const kind = spec?.scaleTargetRef?.kind ?? "";
  page.fact("Reference", `${kind}/${spec?.scaleTargetRef?.name ?? ""}`);
  page.fact("Metrics", "( current / target )");
  const metrics = new Page();
  for (const [at, metric] of metricsOf(spec).entries())
    metrics.fact(measured(metric), `${currentText(metric, status?.currentMetrics[at])} / ${targetText(metric)}`);
  page.text(metrics.indented("  "));
  page.fact("Min replicas", String(spec?.minReplicas ?? 1));
  page.fact("Max replicas", String(spec?.maxReplicas ?? 0));
  if (spec?.behavior !== undefined) page.section("Behavior", behaviorPage(spec.behavior));
  const { currentReplicas = 0, desiredReplicas = 0 } = status ?? {};
  page.fact(`${kind} pods`, `${currentReplicas} current / ${desiredReplicas} desired`);
  page.factIf("Last Scale Time", status?.lastScaleTime);
  conditionsTable(page, status?.conditions ?? [], around.nowMs);
  return withEvents(page, around);
}

function measured({ resource, containerResource, pods, object, external }: MetricSpec): string {
  const share = (type: string | undefined): string => (type === "Utilization" ? " (as a percentage of request)" : "");
  if (resource !== undefined) return `resource ${resource.name} on pods${share(resource.target?.type)}`;
  if (containerResource !== undefined) {
    const { name, container, target } = containerResource;
    return `resource ${name} of container "${container}" on pods${share(target?.type)}`;
  }
  if (pods !== undefined) return `"${pods.metric?.name}" on pods`;
  if (object !== undefined) {
    const { kind, name } = object.describedObject ?? { kind: "", name: "" };
    return `"${object.metric?.name}" on ${kind}/${name} (target ${object.target?.type === "Value" ? "value" : "average value"})`;
  }
  return `"${external?.metric?.name}" (target ${external?.target?.type === "Value" ? "value" : "average value"})`;
}

function currentText(metric: MetricSpec, status: MetricStatus | undefined): string {
  const current = (status?.resource ?? status?.containerResource ?? status?.pods ?? status?.object)?.current;
  if (current === undefined) return UNKNOWN;
  const type = targetOf(metric)?.type;
  if (type === "Utilization" && current.averageUtilization !== undefined)
    return `${current.averageUtilization}% (${current.averageValue || UNKNOWN})`;
  return amountText(type, current);
}

function targetText(metric: MetricSpec): string {
  const target = targetOf(metric);
  return target === undefined ? UNKNOWN : amountText(target.type, target);
}

function amountText(type: string | undefined, { value, averageValue, averageUtilization }: MetricValueStatus): string {
  if (type === "Utilization") return averageUtilization === undefined ? UNKNOWN : `${averageUtilization}%`;
  return (type === "Value" ? value : averageValue) || UNKNOWN;
}

function behaviorPage({ scaleUp, scaleDown }: NonNullable<NonNullable<HorizontalPodAutoscaler["spec"]>["behavior"]>) {
  const page = new Page();
  if (scaleUp !== undefined) page.section("Scale Up", rulesPage(scaleUp));
  if (scaleDown !== undefined) page.section("Scale Down", rulesPage(scaleDown));
  return page;
}

function rulesPage({ stabilizationWindowSeconds, selectPolicy, policies, tolerance }: HPAScalingRules): Page {
  const page = new Page();
  if (stabilizationWindowSeconds !== undefined)
    page.fact("Stabilization Window", `${stabilizationWindowSeconds} seconds`);
  page.factIf("Select Policy", selectPolicy);
  page.factIf("Tolerance", tolerance);
  const rows = policies.map(({ type, value, periodSeconds }) => [type, String(value), `${periodSeconds} seconds`]);
  return policies.length === 0 ? page : page.table("Policies", ["Type", "Value", "Period"], rows);
}
