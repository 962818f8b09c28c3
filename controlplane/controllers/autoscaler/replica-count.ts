import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { groupPods, type Measures } from "./pod-groups.js";

/** How far a measure may be from its target, as a share of it, before anything changes. */
export interface Tolerance {
  readonly up: number;
  readonly down: number;
}

/** The pods of a target and what they measure. */
export interface Measured {
  readonly currentReplicas: number;
  readonly pods: readonly Pod[];
  readonly measures: Measures;
  readonly tolerance: Tolerance;
  readonly isCpu: boolean;
  readonly nowMs: number;
}

/** What a metric asks for. */
export type Count =
  | {
      readonly is: "count";
      readonly replicas: number;
      /** Of the measures that count, rounded down. */
      readonly average: number;
      /** Percentage of what is requested, for utilizations. */
      readonly utilization?: number;
    }
  | { readonly is: "unknown"; readonly why: string };

/** What the measures come to; undefined when there are none. */
interface Usage {
  /** Of the usage to its target. */
  readonly ratio: number;
  readonly average: number;
  readonly utilization?: number;
}

/** How a kind of target is compared. */
interface Comparison {
  readonly usageOf: (values: ReadonlyMap<string, number>) => Usage | undefined;
  /** What a pod without a measure is taken to use where less is asked for: enough not to go too low. */
  readonly assumedOf: (name: string) => number;
}

/** Replicas at which pods would use `target` percent of what they request. `requests` are by the pods' names, in the measures' unit. */
export function countByUtilization(measured: Measured, requests: ReadonlyMap<string, number>, target: number): Count {
  return count(measured, {
    usageOf: (values) => {
      const named = Array.from(values).filter(([name]) => requests.has(name));
      const used = sum(named.map(([, value]) => value));
      const asked = sum(named.map(([name]) => requests.get(name) ?? 0));
      if (named.length === 0 || asked === 0) return undefined;
      const utilization = Math.floor((used * 100) / asked);
      return { ratio: utilization / target, average: Math.floor(used / named.length), utilization };
    },
    assumedOf: (name) => ((requests.get(name) ?? 0) * Math.max(100, target)) / 100,
  });
}

/** Replicas at which pods would use `target` each, in the measures' unit. */
export function countByAverage(measured: Measured, target: number): Count {
  return count(measured, {
    usageOf: (values) => {
      if (values.size === 0) return undefined;
      const average = Math.floor(sum([...values.values()]) / values.size);
      return { ratio: average / target, average };
    },
    assumedOf: () => target,
  });
}

/** Replicas at which a value that belongs to no pod would be `target`, growing with the replicas that are ready. */
export function countByValue(
  value: number,
  target: number,
  {
    currentReplicas,
    readyCount,
    tolerance,
  }: Pick<Measured, "currentReplicas" | "tolerance"> & { readonly readyCount: number },
): number {
  const ratio = value / target;
  if (currentReplicas === 0) return ceil(ratio);
  return isWithin(ratio, tolerance) ? currentReplicas : ceil(ratio * readyCount);
}

/** Replicas that have `target` each of a value that belongs to no pod. */
export function countByShare(value: number, target: number, currentReplicas: number, tolerance: Tolerance): number {
  const isKept = currentReplicas > 0 && isWithin(value / (target * currentReplicas), tolerance);
  return isKept ? currentReplicas : ceil(value / target);
}

/**
 * Kubernetes' rule, which errs on the side of doing nothing: pods without a measure are taken to use what keeps the change small, and so are pods that do
 * not work yet where more are asked for; if that turns the change round, there is none.
 */
function count(measured: Measured, { usageOf, assumedOf }: Comparison): Count {
  const { currentReplicas, pods, measures, tolerance } = measured;
  const { readyCount, unready, missing, ignored } = groupPods(pods, measures, measured);
  const values = new Map<string, number>();
  for (const [name, { value }] of measures) if (!unready.has(name) && !ignored.has(name)) values.set(name, value);
  const usage = usageOf(values);
  if (usage === undefined)
    return { is: "unknown", why: "did not receive metrics for targeted pods (pods might be unready)" };
  const result = (replicas: number): Count => ({ is: "count", ...shown(usage), replicas });
  const isUp = usage.ratio > 1;
  const countsUnready = isUp && unready.size > 0;
  if (!countsUnready && missing.size === 0)
    return result(isWithin(usage.ratio, tolerance) ? currentReplicas : ceil(usage.ratio * readyCount));
  if (usage.ratio < 1) for (const name of missing) values.set(name, assumedOf(name));
  if (isUp) for (const name of missing) values.set(name, 0);
  if (countsUnready) for (const name of unready) values.set(name, 0);
  const ratio = usageOf(values)?.ratio ?? 1;
  const turns = (usage.ratio < 1 && ratio > 1) || (isUp && ratio < 1);
  if (turns || isWithin(ratio, tolerance)) return result(currentReplicas);
  const replicas = ceil(ratio * values.size);
  const isWrongWay = (ratio < 1 && replicas > currentReplicas) || (ratio > 1 && replicas < currentReplicas);
  return result(isWrongWay ? currentReplicas : replicas);
}

function shown({ average, utilization }: Usage): Omit<Usage, "ratio"> {
  return utilization === undefined ? { average } : { average, utilization };
}

function isWithin(ratio: number, { up, down }: Tolerance): boolean {
  return ratio >= 1 - down && ratio <= 1 + up;
}

/** Rounded up, but not for what floating point has added. */
function ceil(value: number): number {
  return Math.ceil(Number(value.toPrecision(12)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
