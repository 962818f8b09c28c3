import { TallshipError } from "../../lib/errors.js";
import { quantityBytes } from "../../lib/quantity.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { KeyToPath, Volume } from "../../proto/gen/tallship/v1/volume.js";
import type { ConfigContent, ConfigValues } from "../config-values.js";
import { contentOf } from "../oci/environment.js";
import { type ClaimedVolumes, claimPlan, nfsPlan } from "./claim-plan.js";
import type { VolumeFile, VolumePlan } from "./wanted-volume.js";

const DEFAULT_MODE = 0o644;

/** What must be made for a pod's volumes. Throws not_supported for a kind of volume that Tallship does not mount. */
export function volumePlans(pod: Pod, configs: ConfigValues, claims: ClaimedVolumes): readonly VolumePlan[] {
  const fsGroup = pod.spec?.securityContext?.fsGroup;
  return (pod.spec?.volumes ?? []).map((volume) => {
    const { persistentVolumeClaim, nfs, name } = volume;
    const claimed = claims.get(persistentVolumeClaim?.claimName ?? "");
    if (claimed !== undefined) return claimPlan(name, claimed, fsGroup);
    return nfs === undefined ? planOf(volume, configs, fsGroup) : nfsPlan(name, nfs, []);
  });
}

/** The plans of the volumes that are made of ConfigMaps and Secrets alone. */
export function configVolumePlans(pod: Pod, configs: ConfigValues): readonly VolumePlan[] {
  const volumes = (pod.spec?.volumes ?? []).filter(
    ({ configMap, secret }) => configMap !== undefined || secret !== undefined,
  );
  return pod.spec === undefined ? [] : volumePlans({ ...pod, spec: { ...pod.spec, volumes } }, configs, new Map());
}

function planOf(volume: Volume, configs: ConfigValues, fsGroup: number | undefined): VolumePlan {
  const { name, emptyDir, hostPath, configMap, secret } = volume;
  if (emptyDir !== undefined) {
    const limit = emptyDir.sizeLimit;
    if (emptyDir.medium !== "Memory") return { is: "folder", name, fsGroup };
    return { is: "memory", name, sizeBytes: limit === "" ? undefined : quantityBytes(limit), fsGroup };
  }
  if (hostPath !== undefined) return { is: "hostPath", name, path: hostPath.path, type: hostPath.type };
  if (configMap !== undefined) {
    const content = contentOf("ConfigMap", configMap, configs);
    return {
      is: "files",
      name,
      isSecret: false,
      fsGroup,
      files: filesOf(`ConfigMap ${configMap.name}`, content, configMap),
    };
  }
  if (secret !== undefined) {
    const content = contentOf("Secret", { name: secret.secretName, optional: secret.optional }, configs);
    return {
      is: "files",
      name,
      isSecret: true,
      fsGroup,
      files: filesOf(`Secret ${secret.secretName}`, content, secret),
    };
  }
  const kind = Object.entries(volume).find(([key, value]) => key !== "name" && value !== undefined)?.[0];
  throw new TallshipError("not_supported", `volume ${name}: ${kind ?? "a volume without a source"} is not mounted`);
}

interface FileSelection {
  readonly items: readonly KeyToPath[];
  readonly defaultMode?: number | undefined;
  readonly optional?: boolean | undefined;
}

/** All keys under their own names, or those that are selected under theirs. */
function filesOf(
  source: string,
  content: ConfigContent | undefined,
  { items, defaultMode, optional }: FileSelection,
): readonly VolumeFile[] {
  const mode = defaultMode ?? DEFAULT_MODE;
  const values = content?.values ?? {};
  if (items.length === 0)
    return Object.keys(values)
      .sort()
      .map((key) => ({ path: key, bytes: values[key] ?? new Uint8Array(), mode }));
  return items.flatMap((one) => {
    const bytes = values[one.key];
    if (bytes !== undefined) return [{ path: safePath(one.path), bytes, mode: one.mode ?? mode }];
    if (optional === true) return [];
    throw new TallshipError("config_missing", `${source} has no key ${one.key}`);
  });
}

function safePath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (path.startsWith("/") || parts.length === 0 || parts.includes("..") || parts[0]?.startsWith("..") === true)
    throw new TallshipError("invalid_argument", `path ${path}: want a path below the volume`);
  return parts.join("/");
}
