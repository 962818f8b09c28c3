import type { PersistentVolume, PersistentVolumeSpec } from "../proto/gen/tallship/v1/persistentvolume.js";
import type { PersistentVolumeClaim } from "../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import type { StorageClass } from "../proto/gen/tallship/v1/storageclass.js";
import type { Volume } from "../proto/gen/tallship/v1/volume.js";

/** Makes folders on the node of the first pod; what class `local` names. */
export const LOCAL_PROVISIONER = "tallship.dev/local";
/** Says that volumes of the class are made by people only. As in Kubernetes, so are the names below. */
export const NO_PROVISIONER = "kubernetes.io/no-provisioner";
/** "true" on the class of claims that name none. */
export const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";
/** On a volume that was made for a claim: by whom. */
export const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
/** On a claim that waits: the node that its volume is to be on. */
export const SELECTED_NODE = "volume.kubernetes.io/selected-node";
/** "yes" on a claim and a volume that a controller brought together. */
export const BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";
/** "yes" on a claim once it was bound: should its volume go, it is Lost. */
export const BIND_COMPLETED = "pv.kubernetes.io/bind-completed";
/** Keeps a claim until no pod uses it. */
export const CLAIM_PROTECTION = "kubernetes.io/pvc-protection";
/** Keeps a volume until no claim is bound to it. */
export const VOLUME_PROTECTION = "kubernetes.io/pv-protection";
/** The label of a node by which volumes name it. */
export const HOSTNAME = "kubernetes.io/hostname";

const OLD_DEFAULT_CLASS = "storageclass.beta.kubernetes.io/is-default-class";
const OLD_CLASS = "volume.beta.kubernetes.io/storage-class";

/** Name of the claim behind a volume of a pod, also of one that is made for the pod; undefined for other volumes. */
export function claimNameOf(pod: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined {
  return ephemeral === undefined ? persistentVolumeClaim?.claimName : `${pod.metadata?.name ?? ""}-${name}`;
}

/** Names of the claims that a pod mounts, each once. */
export function claimsOfPod(pod: Pod): readonly string[] {
  const names = (pod.spec?.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? []);
  return names.length < 2 ? names : [...new Set(names)];
}

/** Name of a claim's class, also from the annotation that came before the field; undefined asks for the default class, empty for none. */
export function classOfClaim({ metadata, spec }: PersistentVolumeClaim): string | undefined {
  return spec?.storageClassName ?? metadata?.annotations[OLD_CLASS];
}

/** True when claims that name no class get this one. */
export function isDefaultClass({ metadata }: StorageClass): boolean {
  return metadata?.annotations[DEFAULT_CLASS] === "true" || metadata?.annotations[OLD_DEFAULT_CLASS] === "true";
}

/** Access modes as kubectl writes them, such as "RWO,ROX", in Kubernetes' order. */
export function accessModesText(modes: readonly string[]): string {
  return MODES.filter(({ mode }) => modes.includes(mode))
    .map(({ text }) => text)
    .join(",");
}

const MODES = [
  { mode: "ReadWriteOnce", text: "RWO" },
  { mode: "ReadOnlyMany", text: "ROX" },
  { mode: "ReadWriteMany", text: "RWX" },
  { mode: "ReadWriteOncePod", text: "RWOP" },
] as const;

/** The sources that a volume can have. */
export function sourcesOf({
  hostPath,
  local,
  nfs,
  csi,
  iscsi,
  fc,
}: PersistentVolumeSpec): Readonly<Record<string, object | undefined>> {
  return { hostPath, local, nfs, csi, iscsi, fc };
}

/** True when the volume is bound to, or kept for, that very claim. */
export function isVolumeOf({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const claim = spec?.claimRef;
  if (claim === undefined || metadata === undefined) return false;
  const isSame = claim.name === metadata.name && claim.namespace === metadata.namespace;
  return isSame && (claim.uid === "" || claim.uid === metadata.uid);
}

/** True for a folder that Tallship made on a node. */
export function isMadeLocal({ metadata, spec }: PersistentVolume): boolean {
  return metadata?.annotations[PROVISIONED_BY] === LOCAL_PROVISIONER && spec?.local !== undefined;
}

/** The only node that a volume can be mounted on, by its host name label; undefined when its affinity says anything else. */
export function nodeOfVolume({ spec }: PersistentVolume): string | undefined {
  const [term, ...terms] = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const [requirement, ...requirements] = term?.matchExpressions ?? [];
  if (terms.length + requirements.length + (term?.matchFields.length ?? 0) > 0) return undefined;
  const isOne = requirement?.key === HOSTNAME && requirement.operator === "In" && requirement.values.length === 1;
  return isOne ? requirement.values[0] : undefined;
}

/** Reason in the status of a volume that is to go, once its node has removed the folder. Written by the node's agent. */
export const FOLDER_REMOVED = "FolderRemoved";
/** Reason in the status of a volume whose folder could not be removed. As in Kubernetes. */
export const DELETE_FAILED = "VolumeFailedDelete";

/** True while a node has to remove the volume's folder. */
export function isFolderToGo(volume: PersistentVolume): boolean {
  const { status, spec } = volume;
  const isOver = status?.phase === "Released" || status?.phase === "Failed";
  return (
    isOver &&
    spec?.persistentVolumeReclaimPolicy === "Delete" &&
    isMadeLocal(volume) &&
    status.reason !== FOLDER_REMOVED
  );
}
