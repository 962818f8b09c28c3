import { matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf } from "../../../kinds/object.js";
import { isPodFinished, isPodReady } from "../../../kinds/pod-state.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import {
  type PodDisruptionBudget,
  PodDisruptionBudgetStatus,
} from "../../../proto/gen/tallship/v1/poddisruptionbudget.js";
import type { Cached, View } from "../../cache/view.js";

/** Whether a pod may be evicted now. */
export type Verdict =
  /** It may, and no budget counts it. */
  | { readonly is: "free" }
  /** It may, and the budget must be written with this status in the same transaction. */
  | { readonly is: "counted"; readonly budget: Cached<"PodDisruptionBudget">; readonly after: PodDisruptionBudget }
  | { readonly is: "refused"; readonly error: TallshipError };

/** The budgets that protect a pod. */
export function budgetsOf(pod: Pod, view: View): readonly Cached<"PodDisruptionBudget">[] {
  const { namespace, labels } = metaOf(pod);
  return view
    .list("PodDisruptionBudget", namespace)
    .filter(({ object }) => matchesSelector(object.spec?.selector, labels));
}

/** Decides as Kubernetes' eviction does: what does not run is not protected, what is not ready by the budget's policy. */
export function evictionVerdict(pod: Pod, budgets: readonly Cached<"PodDisruptionBudget">[]): Verdict {
  const [budget, second] = budgets;
  if (budget === undefined || isPodFinished(pod) || pod.status?.phase === "Pending") return { is: "free" };
  if (second !== undefined)
    return refused(
      "failed_precondition",
      pod,
      "This pod has more than one PodDisruptionBudget, which eviction does not support",
    );
  const { object } = budget;
  const { name, generation } = metaOf(object);
  const status = object.status ?? PodDisruptionBudgetStatus.fromPartial({});
  if (!isPodReady(pod)) {
    const isEnough = status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0;
    if (object.spec?.unhealthyPodEvictionPolicy === "AlwaysAllow" || isEnough) return { is: "free" };
  }
  if (status.observedGeneration < generation)
    return refused("budget_exceeded", pod, `The disruption budget ${name} is still being processed by the server.`);
  if (status.disruptionsAllowed <= 0)
    return refused(
      "budget_exceeded",
      pod,
      `Cannot evict pod as it would violate the pod's disruption budget. The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
    );
  const after = { ...object, status: { ...status, disruptionsAllowed: status.disruptionsAllowed - 1 } };
  return { is: "counted", budget, after };
}

function refused(code: "budget_exceeded" | "failed_precondition", pod: Pod, why: string): Verdict {
  const { namespace, name } = metaOf(pod);
  return { is: "refused", error: new TallshipError(code, `evict Pod/${namespace}/${name}: ${why}`) };
}
