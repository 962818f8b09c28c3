import { metricsOf } from "../../../kinds/autoscaler-metrics.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { rfc3339 } from "../../../lib/clock.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { limit } from "../../../lib/limits.js";
import {
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
} from "../../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import type { Condition } from "../../../proto/gen/tallship/v1/meta.js";
import type { Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import type { UsageSource } from "../../sessions/usage-source.js";
import { withCondition } from "../conditions.js";
import { type Controller, NOTHING, type Outcome, type ReconcileContext } from "../controller.js";
import { isScalable, type Scale, scaleOf } from "../scale.js";
import { replace } from "../writes.js";
import { toleranceOf } from "./behavior.js";
import { type Decision, decide } from "./decision.js";
import { Memory } from "./memory.js";
import { wantedSeries } from "./proposal.js";
import { selectedPods } from "./target-pods.js";

/**
 * Sets the replicas of workloads by what their pods use or export, looked at every limits.autoscaleMs. What is measured, recommended and changed is
 * remembered by this leader alone; a new one begins with what it finds and recommends no less at first.
 */
export function autoscaler(usage: UsageSource): Controller {
  const memory = new Memory(usage);
  return {
    name: "horizontal-pod-autoscaler",
    keysFor: ({ key, before, after }) => {
      if (key.kind !== "HorizontalPodAutoscaler") return [];
      if (after === undefined) memory.forget(key);
      // Its own status is no reason to look again before it is time.
      const isSame = before !== undefined && after !== undefined && generationOf(before) === generationOf(after);
      return isSame ? [] : [key];
    },
    reconcile: (key, view, context) => reconcile(key, { memory, usage, view }, context),
  };
}

interface Parts {
  readonly memory: Memory;
  readonly usage: UsageSource;
  readonly view: View;
}

function generationOf({ object }: Cached): string {
  const { uid, generation, deletionTimestamp } = metaOf(object);
  return `${uid}/${generation}/${deletionTimestamp}`;
}

function reconcile(key: ObjectKey, parts: Parts, context: ReconcileContext): Outcome {
  const { view, memory } = parts;
  const cached = view.cached("HorizontalPodAutoscaler", key.namespace, key.name);
  if (cached?.object.spec === undefined || isDeleting(cached.object)) {
    memory.forget(key);
    return NOTHING;
  }
  const { spec } = cached.object;
  const againMs = limit("autoscaleMs");
  const scale = scaleOfTarget(key.namespace, spec, view);
  if (typeof scale === "string") {
    memory.want(key, new Map());
    return { ...unscaled(cached, scale, context), againMs };
  }
  const pods = selectedPods(view, key.namespace, scale.selector);
  const metrics = metricsOf(spec);
  const { namespace } = key;
  memory.want(key, wantedSeries(metrics, { view, namespace, pods }));
  const scene = {
    view,
    usage: parts.usage,
    namespace,
    pods,
    currentReplicas: scale.replicas,
    tolerance: toleranceOf(spec),
    nowMs: context.nowMs,
  };
  const history = memory.historyOf(key, scale, context.monotonicMs);
  const decision = decide(spec, metrics, { scene, history, monotonicMs: context.monotonicMs });
  memory.note(key, decision, scale, context.monotonicMs);
  return { ...carryOut(cached, scale, decision, context), againMs };
}

function scaleOfTarget(namespace: string, { scaleTargetRef }: HorizontalPodAutoscalerSpec, view: View): Scale | string {
  const { kind = "", name = "", apiVersion = "" } = scaleTargetRef ?? {};
  if (!isScalable(kind) || (apiVersion !== "" && apiVersion !== "apps/v1"))
    return `no matches for kind "${kind}" in group "${apiVersion.split("/")[0] ?? ""}"`;
  const scale = scaleOf({ kind, namespace, name }, view);
  return scale ?? `${kind.toLowerCase()}s.apps "${name}" not found`;
}

/** There is nothing to scale. */
function unscaled(cached: Cached<"HorizontalPodAutoscaler">, why: string, { nowMs }: ReconcileContext): Outcome {
  const { object } = cached;
  const before = object.status ?? HorizontalPodAutoscalerStatus.fromPartial({});
  const message = `the HPA controller was unable to get the target's current scale: ${why}`;
  const claim = { type: "AbleToScale", status: "False", reason: "FailedGetScale", message } as const;
  const conditions = [...withCondition(before.conditions, claim, nowMs)];
  const status = { ...before, observedGeneration: metaOf(object).generation, conditions };
  if (deepEqual(status, object.status)) return NOTHING;
  return {
    writes: [replace(cached, { ...object, status })],
    notices: [noticeOf(object, { type: "Warning", reason: "FailedGetScale", message: why })],
  };
}

function carryOut(
  cached: Cached<"HorizontalPodAutoscaler">,
  scale: Scale,
  decision: Decision,
  { nowMs }: ReconcileContext,
): Outcome {
  const { object } = cached;
  const before = object.status ?? HorizontalPodAutoscalerStatus.fromPartial({});
  const isRescaled = decision.replicas !== scale.replicas;
  const conditions = decision.conditions.reduce<readonly Condition[]>(
    (all, claim) => withCondition(all, claim, nowMs),
    before.conditions,
  );
  const status: HorizontalPodAutoscalerStatus = {
    observedGeneration: metaOf(object).generation,
    lastScaleTime: isRescaled ? rfc3339(nowMs) : before.lastScaleTime,
    currentReplicas: scale.currentReplicas,
    desiredReplicas: decision.isKnown ? decision.replicas : before.desiredReplicas,
    currentMetrics: decision.isKnown ? [...decision.metrics] : before.currentMetrics,
    conditions: [...conditions],
  };
  const isNews = !deepEqual(status, object.status);
  const failure = decision.failure !== undefined && conditions !== before.conditions ? [decision.failure] : [];
  const { kind, name } = scale.key;
  return {
    writes: [
      ...(isRescaled ? [scale.rescale(decision.replicas)] : []),
      ...(isNews ? [replace(cached, { ...object, status })] : []),
    ],
    notices: [
      ...failure.map((message) =>
        noticeOf(object, {
          type: "Warning",
          reason: "FailedComputeMetricsReplicas",
          message: `failed to compute desired number of replicas based on listed metrics for ${kind}/${metaOf(object).namespace}/${name}: ${message}`,
        }),
      ),
      ...(isRescaled
        ? [
            noticeOf(object, {
              type: "Normal",
              reason: "SuccessfulRescale",
              message: `New size: ${decision.replicas}; reason: ${decision.reason}`,
            }),
          ]
        : []),
    ],
  };
}

function noticeOf(object: HorizontalPodAutoscaler, told: Omit<Notice, "about">): Notice {
  const { namespace, name } = metaOf(object);
  return { about: { kind: "HorizontalPodAutoscaler", namespace, name }, ...told };
}
