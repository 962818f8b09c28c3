import { metaOf } from "../../kinds/object.js";
import { controllerOf } from "../../kinds/owners.js";
import { isDeleting, isPodFinished, isPodReady } from "../../kinds/pod-state.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Cached, View } from "../cache/view.js";

/** On a namespace: "on" lets the cluster move its pods by itself. On a pod (template): "off" leaves it where it is. */
export const REBALANCE = "tallship.dev/rebalance";

/** Owners that replace a pod at once, wherever there is room. Jobs are never moved: their work would be lost. */
const REPLACING: readonly string[] = ["ReplicaSet", "StatefulSet"];

/**
 * Pods that may be moved, in order of namespace and name: ready, replaced by their owner, with nothing on their node that would be lost, and with
 * no replica that is not ready at the moment. Pure.
 */
export function movablePods(view: View, isChosen: (namespace: string) => boolean): readonly Cached<"Pod">[] {
  const pods = view.list("Pod");
  const unsettled = new Set<string>();
  for (const { object } of pods)
    if (!isPodFinished(object) && (isDeleting(object) || !isPodReady(object)))
      unsettled.add(controllerOf(object)?.uid ?? "");
  return pods.filter(({ object }) => {
    const owner = controllerOf(object);
    if (owner === undefined || !REPLACING.includes(owner.kind) || unsettled.has(owner.uid)) return false;
    return isChosen(metaOf(object).namespace) && isPodReady(object) && !isDeleting(object) && !isTied(object);
  });
}

/** It has content on its node, or its user wants it left alone. */
function isTied({ metadata, spec }: Pod): boolean {
  if (metadata?.annotations[REBALANCE] === "off") return true;
  return (spec?.volumes ?? []).some(
    ({ emptyDir, persistentVolumeClaim, ephemeral }) =>
      emptyDir !== undefined || persistentVolumeClaim !== undefined || ephemeral !== undefined,
  );
}
