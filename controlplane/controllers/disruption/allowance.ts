import { metaOf } from "../../../kinds/object.js";
import { isPodActive, isPodReady } from "../../../kinds/pod-state.js";
import type { PodDisruptionBudgetSpec } from "../../../proto/gen/tallship/v1/poddisruptionbudget.js";
import type { Cached, View } from "../../cache/view.js";
import { isScalable, type Scale, scaleOf } from "../scale.js";
import { shareOf } from "../share.js";
import { controllerOf } from "../writes.js";

/** How many pods may be evicted now, and what that follows from. */
export type Allowance =
  | {
      readonly is: "known";
      readonly disruptionsAllowed: number;
      readonly currentHealthy: number;
      readonly desiredHealthy: number;
      readonly expectedPods: number;
    }
  | { readonly is: "unknown"; readonly why: string };

/**
 * As in Kubernetes: a count that must be available is compared with the pods that exist; percentages, and what may be unavailable, are taken of what the
 * pods' controllers ask for, so that pods that are missing already count as disrupted.
 */
export function allowanceOf(
  spec: PodDisruptionBudgetSpec | undefined,
  pods: readonly Cached<"Pod">[],
  view: View,
): Allowance {
  const { minAvailable, maxUnavailable } = spec ?? {};
  const currentHealthy = pods.filter(({ object }) => isPodActive(object) && isPodReady(object)).length;
  if (maxUnavailable === undefined && minAvailable?.value?.$case !== "strVal") {
    const desiredHealthy = minAvailable === undefined ? 0 : shareOf(minAvailable, 0);
    return known(currentHealthy, desiredHealthy, pods.length);
  }
  const scales = scalesOf(pods, view);
  if (typeof scales === "string") return { is: "unknown", why: scales };
  const expectedPods = scales.reduce((sum, { replicas }) => sum + replicas, 0);
  const desiredHealthy =
    maxUnavailable === undefined
      ? Math.ceil(minAvailable === undefined ? 0 : shareOf(minAvailable, expectedPods))
      : Math.max(0, expectedPods - Math.ceil(shareOf(maxUnavailable, expectedPods)));
  return known(currentHealthy, desiredHealthy, expectedPods);
}

function known(currentHealthy: number, desiredHealthy: number, expectedPods: number): Allowance {
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  return { is: "known", disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods };
}

/** The scales of the workloads that the pods belong to, each once; a sentence when a pod's controller has none. */
function scalesOf(pods: readonly Cached<"Pod">[], view: View): readonly Scale[] | string {
  const scales = new Map<string, Scale>();
  for (const { object } of pods) {
    const owner = controllerOf(object);
    if (owner === undefined) continue; // Nobody asks for it: it counts only while it is there.
    const scale = scaleOfOwner(metaOf(object).namespace, owner, view);
    if (scale === undefined) return `found no controllers with a scale for pod "${metaOf(object).name}"`;
    scales.set(scale.uid, scale);
  }
  return [...scales.values()];
}

/** A replica set's deployment counts in its place: between two sets, a roll-out is one workload. */
function scaleOfOwner(
  namespace: string,
  { kind, name, uid }: { readonly kind: string; readonly name: string; readonly uid: string },
  view: View,
): Scale | undefined {
  if (!isScalable(kind)) return undefined;
  const scale = scaleOf({ kind, namespace, name }, view);
  if (scale === undefined || scale.uid !== uid) return undefined;
  const set = kind === "ReplicaSet" ? view.get("ReplicaSet", namespace, name) : undefined;
  const above = set === undefined ? undefined : controllerOf(set);
  return above === undefined ? scale : (scaleOfOwner(namespace, above, view) ?? scale);
}
