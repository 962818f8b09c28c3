import { parseQuantity } from "../../../lib/quantity.js";
import type {
  HorizontalPodAutoscalerSpec,
  HPAScalingPolicy,
  HPAScalingRules,
} from "../../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import type { Tolerance } from "./replica-count.js";

/** Something that happened to the number of replicas, and when. */
export interface Dated {
  readonly atMs: number;
  /** Replicas recommended; or for a change, added (positive) or removed. */
  readonly replicas: number;
}

/** What an autoscaler remembers; a new leader begins anew. */
export interface History {
  readonly recommendations: readonly Dated[];
  readonly changes: readonly Dated[];
}

/** What may be said of a step, in Kubernetes' words. */
export interface Said {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

/** How far to go now. */
export interface Step {
  readonly replicas: number;
  readonly ableToScale: Said;
  readonly scalingLimited: Said;
}

/** A rule with what it does not say filled in. */
interface Rules {
  readonly windowMs: number;
  readonly select: string;
  readonly policies: readonly HPAScalingPolicy[];
}

const usualTolerance = 0.1;
const usualUp: readonly HPAScalingPolicy[] = [
  { type: "Pods", value: 4, periodSeconds: 15 },
  { type: "Percent", value: 100, periodSeconds: 15 },
];
const usualDown: readonly HPAScalingPolicy[] = [{ type: "Percent", value: 100, periodSeconds: 15 }];
const usualDownWindowSeconds = 300;

/** How long anything is remembered: the longest window or period that can be asked for. */
export const MEMORY_MS = 3_600_000;

/** What distance from a target changes nothing. */
export function toleranceOf({ behavior }: HorizontalPodAutoscalerSpec): Tolerance {
  const of = (rules: HPAScalingRules | undefined): number => {
    const text = rules?.tolerance ?? "";
    return text === "" ? usualTolerance : (parseQuantity(text) ?? usualTolerance);
  };
  return { up: of(behavior?.scaleUp), down: of(behavior?.scaleDown) };
}

/**
 * Kubernetes' two steps from what the metrics ask for to what is done: of the recommendations of a window the one that changes least, then no further than
 * the policies allow in their periods and the bounds at all.
 */
export function stepTowards(
  desired: number,
  current: number,
  {
    spec,
    history,
    nowMs,
  }: { readonly spec: HorizontalPodAutoscalerSpec; readonly history: History; readonly nowMs: number },
): Step {
  const up = rulesOf(spec.behavior?.scaleUp, usualUp, 0);
  const down = rulesOf(spec.behavior?.scaleDown, usualDown, usualDownWindowSeconds);
  const stable = stabilize(desired, current, history.recommendations, {
    upFromMs: nowMs - up.windowMs,
    downFromMs: nowMs - down.windowMs,
  });
  const { replicas, reason, message } = limited(stable, current, { spec, up, down, changes: history.changes, nowMs });
  return {
    replicas,
    ableToScale: stable === desired ? ready : desired >= stable ? stabilizedUp : stabilizedDown,
    scalingLimited: { status: replicas === stable ? "False" : "True", reason, message },
  };
}

const ready: Said = { status: "True", reason: "ReadyForNewScale", message: "recommended size matches current size" };
const stabilizedUp: Said = {
  status: "True",
  reason: "ScaleUpStabilized",
  message: "recent recommendations were lower than current one, applying the lowest recent recommendation",
};
const stabilizedDown: Said = {
  status: "True",
  reason: "ScaleDownStabilized",
  message: "recent recommendations were higher than current one, applying the highest recent recommendation",
};

function rulesOf(rules: HPAScalingRules | undefined, usual: readonly HPAScalingPolicy[], windowSeconds: number): Rules {
  const policies = rules?.policies ?? [];
  return {
    windowMs: (rules?.stabilizationWindowSeconds ?? windowSeconds) * 1_000,
    select: rules?.selectPolicy ?? "Max",
    policies: policies.length === 0 ? usual : policies,
  };
}

function stabilize(
  desired: number,
  current: number,
  recommendations: readonly Dated[],
  { upFromMs, downFromMs }: { readonly upFromMs: number; readonly downFromMs: number },
): number {
  const since = (fromMs: number): readonly number[] =>
    recommendations.filter(({ atMs }) => atMs > fromMs).map(({ replicas }) => replicas);
  const lowest = Math.min(desired, ...since(upFromMs));
  const highest = Math.max(desired, ...since(downFromMs));
  if (current < lowest) return lowest;
  return Math.min(current, highest);
}

interface Rates {
  readonly spec: HorizontalPodAutoscalerSpec;
  readonly up: Rules;
  readonly down: Rules;
  readonly changes: readonly Dated[];
  readonly nowMs: number;
}

function limited(
  desired: number,
  current: number,
  { spec, up, down, changes, nowMs }: Rates,
): { readonly replicas: number; readonly reason: string; readonly message: string } {
  const { maxReplicas, minReplicas = 1 } = spec;
  if (desired > current) {
    const rate = Math.max(current, furthest(current, up, { changes, nowMs, sign: 1 }));
    if (desired > Math.min(maxReplicas, rate))
      return maxReplicas > rate ? { replicas: rate, ...tooFastUp } : { replicas: maxReplicas, ...tooMany };
  }
  if (desired < current) {
    const rate = Math.min(current, furthest(current, down, { changes, nowMs, sign: -1 }));
    if (desired < Math.max(minReplicas, rate))
      return minReplicas < rate ? { replicas: rate, ...tooFastDown } : { replicas: minReplicas, ...tooFew };
  }
  return { replicas: desired, ...withinRange };
}

/** What is said of a number above the most. */
export const tooMany = {
  reason: "TooManyReplicas",
  message: "the desired replica count is more than the maximum replica count",
} as const;
/** What is said of a number below the least. */
export const tooFew = {
  reason: "TooFewReplicas",
  message: "the desired replica count is less than the minimum replica count",
} as const;
const tooFastUp = {
  reason: "ScaleUpLimit",
  message: "the desired replica count is increasing faster than the maximum scale rate",
};
const tooFastDown = {
  reason: "ScaleDownLimit",
  message: "the desired replica count is decreasing faster than the maximum scale rate",
};
const withinRange = { reason: "DesiredWithinRange", message: "the desired count is within the acceptable range" };

/** How far the policies allow to go in one direction, from what there was at the start of each one's period. */
function furthest(
  current: number,
  { select, policies }: Rules,
  { changes, nowMs, sign }: { readonly changes: readonly Dated[]; readonly nowMs: number; readonly sign: 1 | -1 },
): number {
  if (select === "Disabled") return current;
  const reached = policies.map(({ type, value, periodSeconds }) => {
    const recent = changes.filter(({ atMs }) => atMs > nowMs - periodSeconds * 1_000);
    const atStart = current - recent.reduce((sum, { replicas }) => sum + replicas, 0);
    if (type === "Pods") return atStart + sign * value;
    // Multiplied first: 1.1 × 10 is a little more than 11.
    const share = (atStart * (100 + sign * value)) / 100;
    return sign === 1 ? Math.ceil(share) : Math.trunc(share);
  });
  const isHighest = (select === "Min") !== (sign === 1);
  return isHighest ? Math.max(...reached) : Math.min(...reached);
}
