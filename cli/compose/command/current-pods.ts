import { metaOf, type Typed } from "../../../kinds/object.js";
import { isControlledBy } from "../../../kinds/owners.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { REVISION } from "../../rollout/history.js";
import { ONE_OFF_LABEL } from "../translate/names.js";
import { serviceOf } from "./live.js";

/**
 * The pods of a workload that are as it asks for now, of what is known of a project: of a deployment those of its newest replica set. What is being
 * deleted is none of them, nor what `compose run` has made.
 */
export function currentPods(typed: Typed, known: readonly Typed[]): readonly Pod[] {
  const service = serviceOf(typed.object);
  const current = typed.kind === "Deployment" ? newestSet(typed, known) : undefined;
  return known.flatMap((each) => {
    if (each.kind !== "Pod" || serviceOf(each.object) !== service || isDeleting(each.object)) return [];
    if (metaOf(each.object).labels[ONE_OFF_LABEL] === "True") return [];
    return current === undefined || isControlledBy(each.object, current.object) ? [each.object] : [];
  });
}

function newestSet(deployment: Typed, known: readonly Typed[]): Typed | undefined {
  const own = known.filter(({ kind, object }) => kind === "ReplicaSet" && isControlledBy(object, deployment.object));
  const revisionOf = ({ object }: Typed): number => Number(metaOf(object).annotations[REVISION] ?? 0);
  return [...own].sort((left, right) => revisionOf(right) - revisionOf(left))[0];
}
