import { type ImagePins, pinAnnotation } from "../../../kinds/image-pins.js";
import { metaOf } from "../../../kinds/object.js";
import { apiVersionOf } from "../../../kinds/registry.js";
import { CLAIM_PROTECTION } from "../../../kinds/storage.js";
import { rfc3339 } from "../../../lib/clock.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { ObjectMeta, type OwnerReference } from "../../../proto/gen/tallship/v1/meta.js";
import {
  type PersistentVolumeClaim,
  PersistentVolumeClaim as PersistentVolumeClaimMessage,
} from "../../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Pod, PodTemplateSpec } from "../../../proto/gen/tallship/v1/pod.js";
import type { StatefulSet } from "../../../proto/gen/tallship/v1/statefulset.js";
import { Volume } from "../../../proto/gen/tallship/v1/volume.js";
import type { Cached, View } from "../../cache/view.js";
import type { ObjectWrite, ReconcileContext } from "../controller.js";
import { podsOfTemplate } from "../pod-of-template.js";
import { REVISION_LABEL } from "../template-revisions.js";
import { childMeta, create, replaceMeta } from "../writes.js";

const POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name";
const POD_INDEX_LABEL = "apps.kubernetes.io/pod-index";

/** Name of a set's pod by its number. */
export function podName(set: StatefulSet, ordinal: number): string {
  return `${metaOf(set).name}-${ordinal}`;
}

/** The number in a pod's name; undefined when it is no name of the set's pods. */
export function ordinalOf(set: StatefulSet, name: string): number | undefined {
  const base = `${metaOf(set).name}-`;
  const digits = name.startsWith(base) ? name.slice(base.length) : "";
  return /^(0|[1-9]\d{0,8})$/.test(digits) ? Number(digits) : undefined;
}

/** The pod of that number, made from a revision: its name is its hostname, and its claims are volumes. */
export function podOf(
  set: Cached<"StatefulSet">,
  ordinal: number,
  revision: { readonly name: string; readonly template: PodTemplateSpec | undefined; readonly images: ImagePins },
  context: ReconcileContext,
): Pod {
  const { template } = revision;
  const { labels = {}, annotations = {}, finalizers = [] } = template?.metadata ?? {};
  const name = podName(set.object, ordinal);
  const own = { [REVISION_LABEL]: revision.name, [POD_NAME_LABEL]: name, [POD_INDEX_LABEL]: `${ordinal}` };
  const parts = { labels: { ...labels, ...own }, annotations: { ...annotations, ...pinAnnotation(revision.images) } };
  const meta = childMeta(set, name, { ...parts, finalizers }, context);
  const claims = claimNames(set.object, ordinal);
  const spec = template?.spec && {
    ...template.spec,
    hostname: name,
    subdomain: set.object.spec?.serviceName ?? "",
    volumes: [
      ...template.spec.volumes.filter((volume) => !claims.some(({ volumeName }) => volumeName === volume.name)),
      ...claims.map(({ volumeName, claimName }) =>
        Volume.fromPartial({ name: volumeName, persistentVolumeClaim: { claimName, readOnly: false } }),
      ),
    ],
  };
  return podsOfTemplate(template && { ...template, spec })(meta);
}

/** The claims of a number, each with the volume that it is in the pod. */
export function claimNames(
  { spec, metadata }: StatefulSet,
  ordinal: number,
): readonly { readonly volumeName: string; readonly claimName: string }[] {
  return (spec?.volumeClaimTemplates ?? []).map((template) => {
    const volumeName = template.metadata?.name ?? "";
    return { volumeName, claimName: `${volumeName}-${metadata?.name}-${ordinal}` };
  });
}

/** True when the set has a claim of that name. */
export function ownsClaim(set: StatefulSet, claimName: string): boolean {
  return (set.spec?.volumeClaimTemplates ?? []).some(({ metadata }) => {
    const base = `${metadata?.name ?? ""}-`;
    return claimName.startsWith(base) && ordinalOf(set, claimName.slice(base.length)) !== undefined;
  });
}

/** A number of a set whose claims are looked at, and its pod when it has one. */
export interface ClaimHolder {
  readonly ordinal: number;
  readonly isWanted: boolean;
  readonly pod: Cached<"Pod"> | undefined;
}

/** Makes the claims of a number that are missing, and gives those that are there the owners that the retention policy says. */
export function claimWrites(
  set: Cached<"StatefulSet">,
  holder: ClaimHolder,
  view: View,
  context: ReconcileContext,
): readonly ObjectWrite[] {
  const { namespace } = metaOf(set.object);
  return claimNames(set.object, holder.ordinal).flatMap(({ claimName }, at): readonly ObjectWrite[] => {
    const cached = view.cached("PersistentVolumeClaim", namespace, claimName);
    if (cached === undefined)
      return holder.isWanted ? [create("PersistentVolumeClaim", newClaim(set, claimName, at, context))] : [];
    const meta = metaOf(cached.object);
    if (meta.deletionTimestamp !== "") return [];
    const ownerReferences = ownersFor(set, holder, meta.ownerReferences);
    return deepEqual(ownerReferences, meta.ownerReferences) ? [] : [replaceMeta(cached, { ...meta, ownerReferences })];
  });
}

function newClaim(
  set: Cached<"StatefulSet">,
  name: string,
  at: number,
  { nowMs, newUid }: ReconcileContext,
): PersistentVolumeClaim {
  const template = set.object.spec?.volumeClaimTemplates[at];
  const { labels = {}, annotations = {} } = template?.metadata ?? {};
  return {
    ...PersistentVolumeClaimMessage.fromPartial({ status: { phase: "Pending" } }),
    metadata: ObjectMeta.fromPartial({
      name,
      namespace: metaOf(set.object).namespace,
      uid: newUid(),
      generation: 1,
      creationTimestamp: rfc3339(nowMs),
      labels: { ...labels, ...set.object.spec?.selector?.matchLabels },
      annotations,
      finalizers: [CLAIM_PROTECTION],
      ownerReferences: whenDeleted(set) === "Delete" ? [referenceTo(set)] : [],
    }),
    spec: template?.spec,
  };
}

/** As in Kubernetes: a claim goes with the set, or with the pod that is not wanted any more, or with neither. Other owners stay. */
function ownersFor(
  set: Cached<"StatefulSet">,
  { isWanted, pod }: ClaimHolder,
  before: readonly OwnerReference[],
): OwnerReference[] {
  const goesWithPod = !isWanted && pod !== undefined && whenScaled(set) === "Delete";
  const setUid = metaOf(set.object).uid;
  const isPodOfSet = ({ kind, name }: OwnerReference): boolean =>
    kind === "Pod" && ordinalOf(set.object, name) !== undefined;
  const others = before.filter((owner) => owner.uid !== setUid && !isPodOfSet(owner));
  if (goesWithPod) return [...others, referenceTo(pod)];
  const staysOwned = whenDeleted(set) === "Delete";
  return staysOwned ? [...others, referenceTo(set)] : others;
}

function whenDeleted({ object }: Cached<"StatefulSet">): string {
  return object.spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted ?? "Retain";
}

function whenScaled({ object }: Cached<"StatefulSet">): string {
  return object.spec?.persistentVolumeClaimRetentionPolicy?.whenScaled ?? "Retain";
}

function referenceTo({ kind, object }: Cached<"StatefulSet"> | Cached<"Pod">): OwnerReference {
  const { name, uid } = metaOf(object);
  return { apiVersion: apiVersionOf(kind), kind, name, uid, controller: undefined, blockOwnerDeletion: undefined };
}
