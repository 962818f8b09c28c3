import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from "../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import { metricsOf, targetOf } from "../autoscaler-metrics.js";
import type { Column } from "./column.js";

const unknown = "<unknown>";

/** Metrics shown; the others are counted. */
const shownMost = 2;

/** What is scaled, by which measure, and how far. */
export const autoscalerColumns: readonly Column<HorizontalPodAutoscaler>[] = [
  { name: "REFERENCE", cell: ({ spec }) => `${spec?.scaleTargetRef?.kind ?? ""}/${spec?.scaleTargetRef?.name ?? ""}` },
  { name: "TARGETS", cell: targets },
  { name: "MINPODS", cell: ({ spec }) => String(spec?.minReplicas ?? 1) },
  { name: "MAXPODS", cell: ({ spec }) => String(spec?.maxReplicas ?? 0) },
  { name: "REPLICAS", cell: ({ status }) => String(status?.currentReplicas ?? 0) },
];

function targets({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = metricsOf(spec);
  const texts = metrics
    .slice(0, shownMost)
    .map((metric, at) => `${nameOf(metric)}${currentText(metric, status?.currentMetrics[at])}/${wantedText(metric)}`);
  const more = metrics.length - texts.length;
  return texts.join(", ") + (more > 0 ? ` + ${more} more...` : "");
}

/** kubectl names resources, and other metrics only by their values. */
function nameOf({ resource, containerResource }: MetricSpec): string {
  const name = (resource ?? containerResource)?.name;
  return name === undefined ? "" : `${name}: `;
}

function currentText(metric: MetricSpec, status: MetricStatus | undefined): string {
  const current = (status?.resource ?? status?.containerResource ?? status?.pods ?? status?.object)?.current;
  return valueText(targetOf(metric)?.type, current);
}

function wantedText(metric: MetricSpec): string {
  const target = targetOf(metric);
  return valueText(target?.type, target);
}

function valueText(type: string | undefined, value: MetricValueStatus | MetricTarget | undefined): string {
  if (value === undefined) return unknown;
  if (type === "Utilization") return value.averageUtilization === undefined ? unknown : `${value.averageUtilization}%`;
  if (type === "AverageValue") return value.averageValue === "" ? unknown : value.averageValue;
  return value.value === "" ? unknown : value.value;
}
