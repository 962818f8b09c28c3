import { matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { classOfClaim, isDefaultClass, isVolumeOf } from "../../../kinds/storage.js";
import { parseQuantity } from "../../../lib/quantity.js";
import type { PersistentVolume } from "../../../proto/gen/tallship/v1/persistentvolume.js";
import type { PersistentVolumeClaim } from "../../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { StorageClass } from "../../../proto/gen/tallship/v1/storageclass.js";
import type { Cached, View } from "../../cache/view.js";

/** The volumes that may be bound to a claim, best first: those kept for it, then the smallest that is large enough. */
export function volumesFor(claim: PersistentVolumeClaim, view: View): readonly Cached<"PersistentVolume">[] {
  return view
    .list("PersistentVolume")
    .filter(({ object }) => whyNot(object, claim) === undefined)
    .sort((left, right) => compare(left.object, right.object, claim));
}

function compare(left: PersistentVolume, right: PersistentVolume, claim: PersistentVolumeClaim): number {
  const kept = Number(isVolumeOf(right, claim)) - Number(isVolumeOf(left, claim));
  if (kept !== 0) return kept;
  const larger = sizeOf(left) - sizeOf(right);
  return larger !== 0 ? larger : metaOf(left).name < metaOf(right).name ? -1 : 1;
}

/** Why a volume cannot be bound to a claim; undefined when it can. */
export function whyNot(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  const { spec } = volume;
  const wanted = claim.spec;
  if (spec === undefined || wanted === undefined) return "it has no spec";
  if (isDeleting(volume)) return "it is being deleted";
  if (spec.claimRef !== undefined && !isVolumeOf(volume, claim)) return "already bound to a different claim.";
  // As in Kubernetes: the phase is not asked of a volume that is kept for the claim.
  if (spec.claimRef === undefined && volume.status?.phase === "Failed") return "it has failed";
  if (spec.storageClassName !== (classOfClaim(claim) ?? "")) return "storageClassName does not match";
  if ((spec.volumeMode || "Filesystem") !== (wanted.volumeMode || "Filesystem")) return "incompatible volumeMode";
  if (!wanted.accessModes.every((mode) => spec.accessModes.includes(mode))) return "incompatible accessMode";
  if (sizeOf(volume) < requestOf(claim)) return "requested PV is too small";
  if (wanted.selector !== undefined && !matchesSelector(wanted.selector, metaOf(volume).labels))
    return "its labels do not match the selector";
  return undefined;
}

function sizeOf({ spec }: PersistentVolume): number {
  return parseQuantity(spec?.capacity["storage"] ?? "") ?? 0;
}

function requestOf({ spec }: PersistentVolumeClaim): number {
  return parseQuantity(spec?.resources?.requests["storage"] ?? "") ?? 0;
}

/** Name of the class of claims that name none: of several the one made last, then by name, as in Kubernetes; undefined without one. */
export function defaultClass(view: View): string | undefined {
  const defaults = view.list("StorageClass").filter(({ object }) => isDefaultClass(object));
  const [newest] = [...defaults].sort(byAge);
  return newest === undefined ? undefined : metaOf(newest.object).name;
}

function byAge(left: Cached<"StorageClass">, right: Cached<"StorageClass">): number {
  const [a, b] = [metaOf(left.object), metaOf(right.object)];
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp > b.creationTimestamp ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

/** The class of a claim, when there is one of that name. */
export function storageClassOf(claim: PersistentVolumeClaim, view: View): StorageClass | undefined {
  const name = classOfClaim(claim) ?? "";
  return name === "" ? undefined : view.get("StorageClass", "", name);
}

/** True when the claim is bound only once a pod that uses it has a node. */
export function waitsForConsumer(claim: PersistentVolumeClaim, view: View): boolean {
  return storageClassOf(claim, view)?.volumeBindingMode === "WaitForFirstConsumer";
}
