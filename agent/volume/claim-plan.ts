import { isMadeLocal } from "../../kinds/storage.js";
import { TallshipError } from "../../lib/errors.js";
import type { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import type { NFSVolumeSource } from "../../proto/gen/tallship/v1/volume.js";
import type { VolumeGroup, VolumePlan } from "./wanted-volume.js";

/** The volumes of the claims that a pod names, by claim. */
export type ClaimedVolumes = ReadonlyMap<string, PersistentVolume>;

/** What must be made for a volume that outlives the pod. Throws not_supported for a source that Tallship does not mount. */
export function claimPlan(name: string, volume: PersistentVolume, group: VolumeGroup | undefined): VolumePlan {
  const { spec, metadata } = volume;
  if (spec?.volumeMode === "Block") throw refusal(name, "a raw block device is");
  if (spec?.local !== undefined)
    return { is: "local", name, path: spec.local.path, isMade: isMadeLocal(volume), group };
  if (spec?.hostPath !== undefined) return { is: "hostPath", name, path: spec.hostPath.path, type: spec.hostPath.type };
  if (spec?.nfs !== undefined) return nfsPlan(name, spec.nfs, spec.mountOptions);
  throw refusal(name, `the source of persistentvolume ${metadata?.name} is`);
}

function refusal(name: string, what: string): TallshipError {
  return new TallshipError("not_supported", `volume ${name}: ${what} not mounted`);
}

/** The mount of an NFS export. Options are words of mount(8); nothing in them can be another option of the command. */
export function nfsPlan(
  name: string,
  { server, path, readOnly }: NFSVolumeSource,
  options: readonly string[],
): VolumePlan {
  return { is: "nfs", name, export: `${server}:${path}`, options: readOnly ? [...options, "ro"] : options };
}
