import type { ObjectKey } from "../../../kinds/object.js";
import { isDeleting, isPodFinished } from "../../../kinds/pod-state.js";
import { claimNameOf } from "../../../kinds/storage.js";
import { PersistentVolumeClaim } from "../../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Volume } from "../../../proto/gen/tallship/v1/volume.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import { type Controller, NOTHING, type Outcome, type ReconcileContext } from "../controller.js";
import { childMeta, controllerOf, create } from "../writes.js";

/** Makes the claims of pods' ephemeral volumes, which go with their pods: the owner collector removes them. A claim of that name that is somebody else's stays as it is. */
export const ephemeralClaims: Controller = { name: "ephemeral-claims", keysFor, reconcile };

function keysFor({ key, before, after }: CacheChange): readonly ObjectKey[] {
  const pod = ofKind(after, "Pod")?.object;
  if (pod !== undefined) return before === undefined && pod.spec?.volumes.some(isEphemeral) === true ? [key] : [];
  // One that is deleted while its pod still wants it is made again.
  const claim = ofKind(before, "PersistentVolumeClaim")?.object;
  const owner = after === undefined && claim !== undefined ? controllerOf(claim) : undefined;
  return owner?.kind === "Pod" ? [{ kind: "Pod", namespace: key.namespace, name: owner.name }] : [];
}

function isEphemeral({ ephemeral }: Volume): boolean {
  return ephemeral !== undefined;
}

function reconcile({ namespace, name }: ObjectKey, view: View, context: ReconcileContext): Outcome {
  const cached = view.cached("Pod", namespace, name);
  if (cached === undefined || isDeleting(cached.object) || isPodFinished(cached.object)) return NOTHING;
  const wanted = (cached.object.spec?.volumes ?? []).flatMap((volume) => {
    const claim = volume.ephemeral === undefined ? undefined : claimNameOf(cached.object, volume);
    if (claim === undefined || view.get("PersistentVolumeClaim", namespace, claim) !== undefined) return [];
    return [create("PersistentVolumeClaim", claimFor(cached, volume, claim, context))];
  });
  return { writes: wanted };
}

function claimFor(
  pod: Cached<"Pod">,
  { ephemeral }: Volume,
  name: string,
  context: ReconcileContext,
): PersistentVolumeClaim {
  const { metadata, spec } = ephemeral?.volumeClaimTemplate ?? {};
  const { labels = {}, annotations = {} } = metadata ?? {};
  const made = PersistentVolumeClaim.fromPartial({ status: { phase: "Pending" } });
  return { ...made, metadata: childMeta(pod, name, { labels, annotations }, context), spec };
}
