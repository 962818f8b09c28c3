import { matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { PodDisruptionBudgetStatus } from "../../../proto/gen/tallship/v1/poddisruptionbudget.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import { withCondition } from "../conditions.js";
import { type Controller, NOTHING, type Outcome, type ReconcileContext } from "../controller.js";
import { isScalable, replicasOf } from "../scale.js";
import { replace } from "../writes.js";
import { type Allowance, allowanceOf } from "./allowance.js";

/** Keeps the status of disruption budgets: how many of their pods may be evicted now. The API refuses what goes beyond. */
export const disruption: Controller = { name: "disruption", keysFor, reconcile };

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "PodDisruptionBudget") return [key];
  if (key.kind === "Pod") return budgetKeys(view, key.namespace, [before, after]);
  if (!isScalable(key.kind)) return [];
  const isSame = before !== undefined && after !== undefined && replicasOf(before) === replicasOf(after);
  return isSame ? [] : view.list("PodDisruptionBudget", key.namespace).map(({ object }) => keyNamed(object));
}

function budgetKeys(view: View, namespace: string, pods: readonly (Cached | undefined)[]): readonly ObjectKey[] {
  const labels = pods.flatMap((pod) => (pod === undefined ? [] : [metaOf(pod.object).labels]));
  return view
    .list("PodDisruptionBudget", namespace)
    .filter(({ object }) => labels.some((each) => matchesSelector(object.spec?.selector, each)))
    .map(({ object }) => keyNamed(object));
}

function keyNamed(object: Cached<"PodDisruptionBudget">["object"]): ObjectKey {
  const { namespace, name } = metaOf(object);
  return { kind: "PodDisruptionBudget", namespace, name };
}

function reconcile({ namespace, name }: ObjectKey, view: View, { nowMs }: ReconcileContext): Outcome {
  const cached = view.cached("PodDisruptionBudget", namespace, name);
  if (cached === undefined) return NOTHING;
  const { object } = cached;
  const selector = object.spec?.selector;
  const candidates = selector === undefined ? [] : view.withLabels("Pod", namespace, selector.matchLabels);
  const pods = candidates.filter((pod) => matchesSelector(selector, metaOf(pod.object).labels));
  const allowance = allowanceOf(object.spec, pods, view);
  const before = object.status ?? PodDisruptionBudgetStatus.fromPartial({});
  const status = statusOf(before, allowance, { generation: metaOf(object).generation, nowMs });
  if (deepEqual(status, object.status)) return NOTHING;
  return {
    writes: [replace(cached, { ...object, status })],
    notices: allowance.is === "unknown" ? [failure(keyNamed(object), allowance.why)] : [],
  };
}

function statusOf(
  before: PodDisruptionBudgetStatus,
  allowance: Allowance,
  { generation, nowMs }: { readonly generation: number; readonly nowMs: number },
): PodDisruptionBudgetStatus {
  const type = "DisruptionAllowed";
  if (allowance.is === "unknown") {
    // Nothing is evicted while it is not known how many may be.
    const claim = { type, status: "False", reason: "SyncFailed", message: allowance.why } as const;
    const conditions = withCondition(before.conditions, claim, nowMs);
    return { ...before, disruptionsAllowed: 0, observedGeneration: generation, conditions: [...conditions] };
  }
  const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = allowance;
  const claim =
    disruptionsAllowed > 0
      ? ({ type, status: "True", reason: "SufficientPods", message: "" } as const)
      : ({ type, status: "False", reason: "InsufficientPods", message: "" } as const);
  const conditions = withCondition(before.conditions, claim, nowMs);
  return {
    observedGeneration: generation,
    disruptedPods: {},
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    conditions: [...conditions],
  };
}

function failure(about: ObjectKey, why: string): Notice {
  const message = `Failed to calculate the number of expected pods: ${why}`;
  return { about, type: "Warning", reason: "CalculateExpectedPodCountFailed", message };
}
