import { matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf } from "../../../kinds/object.js";
import { parseQuantity } from "../../../lib/quantity.js";
import type { Container } from "../../../proto/gen/tallship/v1/container.js";
import type { MetricIdentifier } from "../../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { ContainerRate, UsageSource } from "../../sessions/usage-source.js";
import type { Measure, Measures } from "./pod-groups.js";

/** Resources that can be measured. */
export type Resource = "cpu" | "memory";

/** Everything is counted in thousandths, as Kubernetes does: of a core, of a byte, of a metric's unit. */
const MILLI = 1_000;

/** A quantity in thousandths of its unit; 0 when it is malformed, which admission refuses. */
export function milli(quantity: string): number {
  return Math.round((parseQuantity(quantity) ?? 0) * MILLI);
}

/** Thousandths as a quantity. */
export function quantityOf(thousandths: number): string {
  const rounded = Math.round(thousandths);
  return rounded % MILLI === 0 ? `${rounded / MILLI}` : `${rounded}m`;
}

/** What pods use of a resource, all containers together or one alone. A pod of which a container was not read has no measure. */
export function resourceMeasures(
  usage: UsageSource,
  pods: readonly Pod[],
  { resource, container }: { readonly resource: Resource; readonly container: string | undefined },
): Measures {
  return measuresOf(pods, (pod) => {
    const rates = usage.usageOf(pod.spec?.nodeName ?? "", metaOf(pod).uid);
    const names = container === undefined ? (pod.spec?.containers ?? []).map(({ name }) => name) : [container];
    const read = names.map((name) => rates?.find((rate) => rate.name === name));
    const values = read.map((rate) => (rate === undefined ? undefined : amountOf(rate, resource)));
    const last = read.find((rate) => rate !== undefined);
    if (last === undefined || values.some((value) => value === undefined)) return undefined;
    const value = values.reduce<number>((sum, each) => sum + (each ?? 0), 0);
    return { value, atMs: last.readAtMs, windowMs: last.windowMs };
  });
}

function amountOf({ cpuMillicores, memoryBytes }: ContainerRate, resource: Resource): number | undefined {
  return resource === "cpu" ? cpuMillicores : memoryBytes * MILLI;
}

/** What pods say of a metric: the sum of its series that the selector selects. */
export function metricMeasures(usage: UsageSource, pods: readonly Pod[], metric: MetricIdentifier): Measures {
  return measuresOf(pods, (pod) => {
    const series = usage
      .seriesOf(pod.spec?.nodeName ?? "", metaOf(pod).uid)
      .filter(({ name, labels }) => name === metric.name && isSelected(metric, labels));
    const [first] = series;
    if (first === undefined) return undefined;
    const value = series.reduce((sum, each) => sum + each.value * MILLI, 0);
    return { value: Math.round(value), atMs: first.readAtMs, windowMs: 0 };
  });
}

function isSelected({ selector }: MetricIdentifier, labels: Readonly<Record<string, string>>): boolean {
  return selector === undefined || matchesSelector(selector, labels);
}

function measuresOf(pods: readonly Pod[], of: (pod: Pod) => Measure | undefined): Measures {
  return new Map(
    pods.flatMap((pod) => {
      const measure = of(pod);
      return measure === undefined ? [] : [[metaOf(pod).name, measure] as const];
    }),
  );
}

/** What pods request of a resource, by name; a sentence when a container requests none, for then there is no share to speak of. */
export function requestsOf(
  pods: readonly Pod[],
  { resource, container }: { readonly resource: Resource; readonly container: string | undefined },
): ReadonlyMap<string, number> | string {
  const requests = new Map<string, number>();
  for (const pod of pods) {
    const { name } = metaOf(pod);
    const counted = (pod.spec?.containers ?? []).filter((each) => container === undefined || each.name === container);
    if (counted.length === 0) return `container ${container} not present in pod ${name}`;
    const lacking = counted.find((each) => requestOf(each, resource) === undefined);
    if (lacking !== undefined) return `missing request for ${resource} in container ${lacking.name} of Pod ${name}`;
    requests.set(
      name,
      counted.reduce((sum, each) => sum + milli(requestOf(each, resource) ?? "0"), 0),
    );
  }
  return requests;
}

/** Limits stand in where no request does, as at admission. */
function requestOf({ resources }: Container, resource: Resource): string | undefined {
  return resources?.requests[resource] ?? resources?.limits[resource];
}
