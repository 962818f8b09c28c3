import type {
  HorizontalPodAutoscalerSpec,
  MetricSpec,
  MetricStatus,
} from "../../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import { MetricStatus as MetricStatusMessage } from "../../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import type { Claim } from "../conditions.js";
import { type History, stepTowards, tooFew, tooMany } from "./behavior.js";
import { type Proposal, proposalOf, type Scene } from "./proposal.js";

/** What an autoscaler does now, and what it says of it. */
export interface Decision {
  readonly replicas: number;
  /** Why, when they change. */
  readonly reason: string;
  /** What the metrics alone ask for, to be remembered; undefined when they were not asked or do not say. */
  readonly recommended: number | undefined;
  /** False when the metrics do not say. */
  readonly isKnown: boolean;
  readonly metrics: readonly MetricStatus[];
  readonly conditions: readonly Claim[];
  /** Why the metrics do not say. */
  readonly failure: string | undefined;
}

/** What a decision is made from beside the spec. */
export interface Circumstances {
  readonly scene: Scene;
  readonly history: History;
  readonly monotonicMs: number;
}

/** Kubernetes' order: no replicas stay none, bounds come before metrics, and metrics before policies. */
export function decide(
  spec: HorizontalPodAutoscalerSpec,
  metrics: readonly MetricSpec[],
  { scene, history, monotonicMs }: Circumstances,
): Decision {
  const current = scene.currentReplicas;
  const { minReplicas = 1, maxReplicas } = spec;
  if (current === 0 && minReplicas !== 0) return disabled;
  if (current > maxReplicas) return bounded(maxReplicas, "Current number of replicas above Spec.MaxReplicas", tooMany);
  if (current < minReplicas) return bounded(minReplicas, "Current number of replicas below Spec.MinReplicas", tooFew);
  const asked = askedFor(
    metrics.map((metric) => proposalOf(metric, scene)),
    current,
  );
  if (asked.is === "failed") return unknown(current, asked);
  const step = stepTowards(asked.replicas, current, { spec, history, nowMs: monotonicMs });
  const isRescaled = step.replicas !== current;
  return {
    replicas: step.replicas,
    reason: step.replicas > current ? `${asked.metric} above target` : "All metrics below target",
    recommended: asked.replicas,
    isKnown: true,
    metrics: asked.statuses,
    conditions: [
      isRescaled ? rescaled(step.replicas) : { type: "AbleToScale", ...step.ableToScale },
      {
        type: "ScalingActive",
        status: "True",
        reason: "ValidMetricFound",
        message: `the HPA was able to successfully calculate a replica count from ${asked.metric}`,
      },
      { type: "ScalingLimited", ...step.scalingLimited },
    ],
    failure: undefined,
  };
}

const gotScale: Claim = {
  type: "AbleToScale",
  status: "True",
  reason: "SucceededGetScale",
  message: "the HPA controller was able to get the target's current scale",
};

function rescaled(replicas: number): Claim {
  const message = `the HPA controller was able to update the target scale to ${replicas}`;
  return { type: "AbleToScale", status: "True", reason: "SucceededRescale", message };
}

/** A target without replicas was switched off by its user, unless the autoscaler may do so itself. */
const disabled: Decision = {
  replicas: 0,
  reason: "",
  recommended: undefined,
  isKnown: true,
  metrics: [],
  conditions: [
    gotScale,
    {
      type: "ScalingActive",
      status: "False",
      reason: "ScalingDisabled",
      message: "scaling is disabled since the replica count of the target is zero",
    },
  ],
  failure: undefined,
};

function bounded(
  replicas: number,
  reason: string,
  limit: { readonly reason: string; readonly message: string },
): Decision {
  const conditions: readonly Claim[] = [rescaled(replicas), { type: "ScalingLimited", status: "True", ...limit }];
  return { replicas, reason, recommended: undefined, isKnown: true, metrics: [], conditions, failure: undefined };
}

type Asked =
  | {
      readonly is: "count";
      readonly replicas: number;
      readonly metric: string;
      readonly statuses: readonly MetricStatus[];
    }
  | Extract<Proposal, { is: "failed" }>;

/** The largest proposal. While some metrics do not say, none of the others may take replicas away. */
function askedFor(proposals: readonly Proposal[], current: number): Asked {
  const failures = proposals.filter((each) => each.is === "failed");
  const counts = proposals.filter((each) => each.is === "count");
  const [firstFailure] = failures;
  const most = counts.reduce<(typeof counts)[number] | undefined>(
    (best, each) => (best === undefined || each.replicas > best.replicas ? each : best),
    undefined,
  );
  if (firstFailure !== undefined && (most === undefined || most.replicas < current)) {
    const why = `invalid metrics (${failures.length} invalid out of ${proposals.length}), first error is: ${firstFailure.why}`;
    return { ...firstFailure, why };
  }
  if (most === undefined) return { is: "failed", reason: "InvalidMetricSourceType", why: "there is no metric" };
  const statuses = proposals.map((each) => (each.is === "count" ? each.status : MetricStatusMessage.fromPartial({})));
  return { is: "count", replicas: most.replicas, metric: most.metric, statuses };
}

function unknown(current: number, { reason, why }: Extract<Proposal, { is: "failed" }>): Decision {
  const message = `the HPA was unable to compute the replica count: ${why}`;
  return {
    replicas: current,
    reason: "",
    recommended: undefined,
    isKnown: false,
    metrics: [],
    conditions: [gotScale, { type: "ScalingActive", status: "False", reason, message }],
    failure: why,
  };
}
