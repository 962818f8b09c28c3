import { claimNameOf } from "../../kinds/storage.js";
import { TallshipError } from "../../lib/errors.js";
import { quantityBytes } from "../../lib/quantity.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Volume } from "../../proto/gen/tallship/v1/volume.js";
import type { LocalImage } from "../image/images.js";
import { contentOf } from "../oci/environment.js";
import { HUGEPAGES } from "../oci/resources.js";
import { type ClaimedVolumes, claimPlan, nfsPlan } from "./claim-plan.js";
import { downwardFiles, type FileSources, keyFiles, projectedFiles } from "./projection.js";
import type { VolumeGroup, VolumePlan } from "./wanted-volume.js";

/** What volumes are made from, beside the pod. */
export interface VolumeSources extends FileSources {
  readonly claims: ClaimedVolumes;
  /** The image of a volume by the volume's name. */
  readonly imageOf: (volume: string) => LocalImage | undefined;
  /** Pin of the pod's user namespace; undefined: the host's. */
  readonly users?: string | undefined;
}

/** What must be made for a pod's volumes. Throws not_supported for a kind of volume that Tallship does not mount. */
export function volumePlans(pod: Pod, from: VolumeSources): readonly VolumePlan[] {
  return (pod.spec?.volumes ?? []).map((volume) => {
    const { nfs, image, name } = volume;
    const claimed = from.claims.get(claimNameOf(pod, volume) ?? "");
    if (claimed !== undefined) return claimPlan(name, claimed, groupOf(pod));
    if (nfs !== undefined) return nfsPlan(name, nfs, []);
    if (image !== undefined) return imagePlan(name, from);
    return filePlan(volume, pod, from) ?? planOf(volume, pod);
  });
}

function imagePlan(name: string, { imageOf, users }: VolumeSources): VolumePlan {
  const image = imageOf(name);
  if (image === undefined) throw new TallshipError("internal", `volume ${name}: its image is not prepared`);
  const { layerPaths } = image;
  return users === undefined ? { is: "image", name, layerPaths } : { is: "image", name, layerPaths, users };
}

/** The plans of the volumes whose files follow what they are made of: ConfigMaps, Secrets, and the pod's own fields. */
export function configVolumePlans(pod: Pod, from: FileSources): readonly VolumePlan[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => filePlan(volume, pod, from) ?? []);
}

function groupOf({ spec }: Pod): VolumeGroup | undefined {
  const { fsGroup: gid, fsGroupChangePolicy } = spec?.securityContext ?? {};
  return gid === undefined ? undefined : { gid, onlyOnMismatch: fsGroupChangePolicy === "OnRootMismatch" };
}

function planOf(volume: Volume, pod: Pod): VolumePlan {
  const fsGroup = pod.spec?.securityContext?.fsGroup;
  const { name, emptyDir, hostPath } = volume;
  if (emptyDir !== undefined) {
    const limit = emptyDir.sizeLimit;
    if (emptyDir.medium.startsWith(HUGE)) return { ...hugePages(volume, pod), fsGroup };
    if (emptyDir.medium !== "Memory") return { is: "folder", name, fsGroup };
    return { is: "memory", name, sizeBytes: memorySize(limit, pod), fsGroup };
  }
  if (hostPath !== undefined) return { is: "hostPath", name, path: hostPath.path, type: hostPath.type };
  const kind = Object.entries(volume).find(([key, value]) => key !== "name" && value !== undefined)?.[0];
  throw new TallshipError("not_supported", `volume ${name}: ${kind ?? "a volume without a source"} is not mounted`);
}

const HUGE = "HugePages";

/** Huge pages of the size named, else of the one that the pod has limits for. They are no more than those limits together: the pages are the pod's own. */
function hugePages({ name, emptyDir }: Volume, { spec }: Pod): Omit<Extract<VolumePlan, { is: "memory" }>, "fsGroup"> {
  const { medium = HUGE, sizeLimit = "" } = emptyDir ?? {};
  const limits = (spec?.containers ?? []).flatMap(({ resources }) => Object.entries(resources?.limits ?? {}));
  const sizes = new Set(limits.flatMap(([key]) => (key.startsWith(HUGEPAGES) ? [key.slice(HUGEPAGES.length)] : [])));
  const [named] = medium === HUGE ? sizes : [medium.slice(HUGE.length + 1)];
  if (named === undefined || !sizes.has(named) || (medium === HUGE && sizes.size > 1))
    throw new TallshipError(
      "not_supported",
      `volume ${name}: medium ${medium} wants limits of ${medium === HUGE ? "one hugepages size" : `hugepages-${named}`}, the pod's containers have ${[...sizes].join(", ") || "none"}`,
    );
  const most = limits.reduce((sum, [key, amount]) => sum + (key === HUGEPAGES + named ? quantityBytes(amount) : 0), 0);
  const sizeBytes = sizeLimit === "" ? most : Math.min(most, quantityBytes(sizeLimit));
  return { is: "memory", name, sizeBytes, pageBytes: quantityBytes(named) };
}

/** What is in memory counts as the pod's: no more than it may have, where every container is bounded. As in Kubernetes. */
function memorySize(limit: string, { spec }: Pod): number | undefined {
  const bounds = (spec?.containers ?? []).map(({ resources }) => resources?.limits["memory"]);
  const isBounded = bounds.length > 0 && bounds.every((bound) => bound !== undefined);
  const most = isBounded ? bounds.reduce((sum, bound) => sum + quantityBytes(bound ?? "0"), 0) : undefined;
  if (limit === "") return most;
  return Math.min(quantityBytes(limit), most ?? Number.POSITIVE_INFINITY);
}

/** The plan of a volume that is files; undefined for others. One that holds a secret is kept in memory as a whole. */
function filePlan(volume: Volume, pod: Pod, from: FileSources): VolumePlan | undefined {
  const { name, configMap, secret, projected, downwardAPI } = volume;
  const { configs, allocatable } = from;
  const common = { is: "files", name, isSecret: false, fsGroup: pod.spec?.securityContext?.fsGroup } as const;
  if (configMap !== undefined) {
    const content = contentOf("ConfigMap", configMap, configs);
    return { ...common, files: keyFiles(`ConfigMap ${configMap.name}`, content, configMap) };
  }
  if (secret !== undefined) {
    const content = contentOf("Secret", { name: secret.secretName, optional: secret.optional }, configs);
    return { ...common, isSecret: true, files: keyFiles(`Secret ${secret.secretName}`, content, secret) };
  }
  if (projected !== undefined) {
    const isSecret = projected.sources.some((source) => source.secret !== undefined);
    return { ...common, isSecret, files: projectedFiles(projected, pod, from) };
  }
  if (downwardAPI === undefined) return undefined;
  const { items, defaultMode } = downwardAPI;
  return { ...common, files: downwardFiles(items, pod, { allocatable, defaultMode }) };
}
