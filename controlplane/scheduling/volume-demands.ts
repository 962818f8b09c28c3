import { metaOf } from "../../kinds/object.js";
import { isControlledBy } from "../../kinds/owners.js";
import { isDeleting } from "../../kinds/pod-state.js";
import { claimNameOf, claimsOfPod, LOCAL_PROVISIONER } from "../../kinds/storage.js";
import type { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import type { PersistentVolumeClaim } from "../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import { NodeSelector } from "../../proto/gen/tallship/v1/placement.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { StorageClass } from "../../proto/gen/tallship/v1/storageclass.js";
import type { VolumeChoice, VolumeDemand, VolumePlace } from "../../scheduler/volume-demand.js";
import type { CacheChange, View } from "../cache/view.js";
import { ClaimUsers } from "../controllers/volumes/claim-users.js";
import { storageClassOf, volumesFor } from "../controllers/volumes/match.js";

/**
 * What pods' claims ask of their nodes. A claim that is not bound yet is placed by the oldest pod that uses it: the others wait until that one has
 * its node, and then go there too. Follows the changes of pods, in order.
 */
export class VolumeDemands {
  private readonly view: View;
  private readonly users = new ClaimUsers();

  constructor(view: View) {
    this.view = view;
  }

  /** Takes a change of a pod; others do not matter. */
  take(change: CacheChange): void {
    this.users.take(change);
  }

  /** Undefined for a pod without claims. */
  of(pod: Pod): VolumeDemand | undefined {
    const names = claimsOfPod(pod);
    if (names.length === 0) return undefined;
    const answers = names.map((name) => this.answer(pod, name));
    const blocked = answers.find((answer) => typeof answer === "string") ?? "";
    const places = answers.filter((answer) => answer !== undefined && typeof answer !== "string");
    return { key: JSON.stringify([blocked, places]), blocked, places };
  }

  /** Pods that name the claim, whether it is there or not. */
  usersOf(namespace: string, claim: string): readonly Pod[] {
    return this.users.named(namespace, claim, this.view);
  }

  /** Why the pod must wait, where the claim's volume is or may be, or undefined: anywhere. */
  private answer(pod: Pod, name: string): string | VolumePlace | undefined {
    const { namespace } = metaOf(pod);
    const claim = this.view.get("PersistentVolumeClaim", namespace, name);
    const isOwn = pod.spec?.volumes.some((each) => each.ephemeral !== undefined && claimNameOf(pod, each) === name);
    if (claim === undefined)
      return isOwn === true
        ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
        : `persistentvolumeclaim "${name}" not found`;
    // Somebody else's claim of that name would lend the pod its content.
    if (isOwn === true && !isControlledBy(claim, pod))
      return `PVC ${namespace}/${name} was not created for pod ${namespace}/${metaOf(pod).name} (pod is not owner)`;
    if (isDeleting(claim)) return `persistentvolumeclaim "${name}" is being deleted`;
    const others = this.users
      .of(claim, this.view)
      .filter((each) => metaOf(each).uid !== metaOf(pod).uid && !isDeleting(each));
    if (claim.spec?.accessModes.includes("ReadWriteOncePod") === true && others.some(isPlaced))
      return `claim ${name} is ReadWriteOncePod and used by another pod`;
    const { volumeName = "" } = claim.spec ?? {};
    if (claim.status?.phase === "Lost")
      return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName}"`;
    if (claim.status?.phase === "Bound") return this.ofVolume(name, volumeName);
    const storageClass = storageClassOf(claim, this.view);
    if (storageClass?.volumeBindingMode !== "WaitForFirstConsumer" || volumeName !== "")
      return "pod has unbound immediate PersistentVolumeClaims";
    return this.ofConsumer(pod, others, name) ?? this.ofClass(name, claim, storageClass);
  }

  private ofVolume(claim: string, volumeName: string): string | VolumePlace | undefined {
    const volume = this.view.get("PersistentVolume", "", volumeName);
    if (volume === undefined)
      return `persistentvolumeclaim "${claim}" bound to non-existent persistentvolume "${volumeName}"`;
    const required = volume.spec?.nodeAffinity?.required;
    return required === undefined ? undefined : { claim, anyOf: [{ on: required, volume: "" }] };
  }

  /** With another pod that uses the claim, when that one decides where it is. */
  private ofConsumer(pod: Pod, others: readonly Pod[], claim: string): string | VolumePlace | undefined {
    const placed = others.find(isPlaced);
    if (placed !== undefined) return { claim, anyOf: [{ on: onNode(placed.spec?.nodeName ?? ""), volume: "" }] };
    const [first] = others;
    if (first === undefined || isBefore(pod, first)) return undefined;
    return `waits for pod ${metaOf(first).name}, which uses claim ${claim} too, to be placed`;
  }

  /** Where a volume stands that could be bound, or could be made. */
  private ofClass(
    name: string,
    claim: PersistentVolumeClaim,
    { provisioner, allowedTopologies }: StorageClass,
  ): string | VolumePlace | undefined {
    const own = volumesFor(claim, this.view).map(({ object }) => choiceOf(object));
    if (provisioner !== LOCAL_PROVISIONER)
      return own.length === 0 ? `no volume is available for claim ${name}` : { claim: name, anyOf: own };
    if (allowedTopologies.length === 0 || own.some(({ on }) => on === undefined)) return undefined;
    const terms = allowedTopologies.map(({ matchLabelExpressions }) => ({
      matchExpressions: matchLabelExpressions.map(({ key, values }) => ({ key, operator: "In", values })),
    }));
    const made = { on: NodeSelector.fromPartial({ nodeSelectorTerms: terms }), volume: "" };
    return { claim: name, anyOf: [...own, made] };
  }
}

function isPlaced({ spec }: Pod): boolean {
  return (spec?.nodeName ?? "") !== "";
}

function choiceOf(volume: PersistentVolume): VolumeChoice {
  return { on: volume.spec?.nodeAffinity?.required, volume: metaOf(volume).name };
}

function onNode(name: string): NodeSelector {
  const matchFields = [{ key: "metadata.name", operator: "In", values: [name] }];
  return NodeSelector.fromPartial({ nodeSelectorTerms: [{ matchFields }] });
}

function isBefore(left: Pod, right: Pod): boolean {
  const [a, b] = [metaOf(left), metaOf(right)];
  return a.creationTimestamp === b.creationTimestamp ? a.name < b.name : a.creationTimestamp < b.creationTimestamp;
}
