import type { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import type { PersistentVolumeClaim } from "../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { StorageClass } from "../../proto/gen/tallship/v1/storageclass.js";
import { isDeleting } from "../pod-state.js";
import { accessModesText, classOfClaim, isDefaultClass } from "../storage.js";
import type { Column, WithMeta } from "./column.js";

/** Stands for an attributes class that was not given, as kubectl writes it. */
const UNSET = "<unset>";

/** How a claim stands, what it is bound to and how large that is. As in kubectl, what is not known yet is blank. */
export const claimColumns: readonly Column<PersistentVolumeClaim>[] = [
  { name: "STATUS", cell: (claim) => (isDeleting(claim) ? "Terminating" : claim.status?.phase || "Pending") },
  { name: "VOLUME", cell: ({ spec }) => spec?.volumeName ?? "" },
  { name: "CAPACITY", cell: (claim) => (isBound(claim) ? (claim.status?.capacity["storage"] ?? "") : "") },
  { name: "ACCESS MODES", cell: (claim) => (isBound(claim) ? accessModesText(claim.status?.accessModes ?? []) : "") },
  { name: "STORAGECLASS", cell: (claim) => classOfClaim(claim) ?? "" },
  { name: "VOLUMEATTRIBUTESCLASS", cell: ({ spec }) => spec?.volumeAttributesClassName || UNSET },
  { name: "VOLUMEMODE", isWide: true, cell: ({ spec }) => spec?.volumeMode || UNSET },
];

function isBound({ spec }: PersistentVolumeClaim): boolean {
  return (spec?.volumeName ?? "") !== "";
}

/** How a volume stands and whose it is. */
export const volumeColumns: readonly Column<PersistentVolume>[] = [
  { name: "CAPACITY", cell: ({ spec }) => spec?.capacity["storage"] ?? "" },
  { name: "ACCESS MODES", cell: ({ spec }) => accessModesText(spec?.accessModes ?? []) },
  { name: "RECLAIM POLICY", cell: ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? "" },
  { name: "STATUS", cell: (volume) => (isDeleting(volume) ? "Terminating" : volume.status?.phase || "Pending") },
  { name: "CLAIM", cell: claimOf },
  { name: "STORAGECLASS", cell: ({ spec }) => spec?.storageClassName ?? "" },
  { name: "VOLUMEATTRIBUTESCLASS", cell: ({ spec }) => spec?.volumeAttributesClassName || UNSET },
  { name: "REASON", cell: ({ status }) => status?.reason ?? "" },
  { name: "VOLUMEMODE", isWide: true, cell: ({ spec }) => spec?.volumeMode || UNSET },
];

function claimOf({ spec }: PersistentVolume): string {
  return spec?.claimRef === undefined ? "" : `${spec.claimRef.namespace}/${spec.claimRef.name}`;
}

/** Who makes the volumes of a class, and when. */
export function storageClassColumns(age: Column<WithMeta>): readonly Column<StorageClass>[] {
  return [
    {
      name: "NAME",
      cell: (each) => `${each.metadata?.name ?? ""}${isDefaultClass(each) ? " (default)" : ""}`,
    },
    { name: "PROVISIONER", cell: ({ provisioner }) => provisioner },
    { name: "RECLAIMPOLICY", cell: ({ reclaimPolicy }) => reclaimPolicy || "Delete" },
    { name: "VOLUMEBINDINGMODE", cell: ({ volumeBindingMode }) => volumeBindingMode || "Immediate" },
    { name: "ALLOWVOLUMEEXPANSION", cell: ({ allowVolumeExpansion }) => String(allowVolumeExpansion === true) },
    age,
  ];
}
