import { everyContainer } from "../../kinds/pod-containers.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { TallshipError } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  VolumeProjection,
} from "../../proto/gen/tallship/v1/volume.js";
import type { ConfigContent, ConfigValues } from "../config-values.js";
import { fieldValue, resourceValue } from "../oci/downward.js";
import { contentOf } from "../oci/environment.js";
import type { VolumeFile } from "./wanted-volume.js";

const DEFAULT_MODE = 0o644;

/** What the files of volumes are made from, beside the pod. */
export interface FileSources {
  readonly configs: ConfigValues;
  /** What the node can give stands in for a limit that is not set. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** Which keys become files, and how. */
export interface FileSelection {
  readonly items: readonly KeyToPath[];
  readonly defaultMode?: number | undefined;
  readonly optional?: boolean | undefined;
}

/** All keys under their own names, or those that are selected under theirs. Throws config_missing for a key that is not there and must be. */
export function keyFiles(
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

/** The pod's own fields as files. */
export function downwardFiles(
  items: readonly DownwardAPIVolumeFile[],
  pod: Pod,
  { allocatable, defaultMode }: Pick<FileSources, "allocatable"> & { readonly defaultMode: number | undefined },
): readonly VolumeFile[] {
  return items.map((one) => ({
    path: safePath(one.path),
    bytes: Buffer.from(textOf(one, pod, allocatable)),
    mode: one.mode ?? defaultMode ?? DEFAULT_MODE,
  }));
}

function textOf(
  { path, fieldRef, resourceFieldRef }: DownwardAPIVolumeFile,
  pod: Pod,
  allocatable: FileSources["allocatable"],
): string {
  const { podIPs = [], hostIPs = [] } = pod.status ?? {};
  const place = { podIPs: podIPs.map(({ ip }) => ip), hostIPs: hostIPs.map(({ ip }) => ip), allocatable };
  if (fieldRef !== undefined) return fieldValue(fieldRef.fieldPath, pod, place);
  const container = everyContainer(pod).find(({ name }) => name === resourceFieldRef?.containerName);
  if (resourceFieldRef === undefined || container === undefined)
    throw new TallshipError("invalid_argument", `file ${path}: it names no field, and no resource of a container`);
  return resourceValue(resourceFieldRef, container, place);
}

/** True when volumes show fields of the pod and those that may change, its labels and annotations, have changed. */
export function areFilesStale(before: Pod, after: Pod): boolean {
  const isShown = (after.spec?.volumes ?? []).some(
    ({ downwardAPI, projected }) =>
      downwardAPI !== undefined || projected?.sources.some((source) => source.downwardAPI !== undefined) === true,
  );
  const changing = ({ metadata }: Pod): unknown => [metadata?.labels, metadata?.annotations];
  return isShown && !deepEqual(changing(before), changing(after));
}

/** The files of all sources in one folder; of two with the same path the later counts. */
export function projectedFiles(
  { sources, defaultMode }: ProjectedVolumeSource,
  pod: Pod,
  from: FileSources,
): readonly VolumeFile[] {
  const files = sources.flatMap((source) => projectionFiles(source, pod, { ...from, defaultMode }));
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

function projectionFiles(
  { configMap, secret, downwardAPI }: VolumeProjection,
  pod: Pod,
  from: FileSources & { readonly defaultMode: number | undefined },
): readonly VolumeFile[] {
  const { configs, defaultMode } = from;
  if (configMap !== undefined)
    return keyFiles(`ConfigMap ${configMap.name}`, contentOf("ConfigMap", configMap, configs), {
      ...configMap,
      defaultMode,
    });
  if (secret !== undefined)
    return keyFiles(`Secret ${secret.name}`, contentOf("Secret", secret, configs), { ...secret, defaultMode });
  if (downwardAPI !== undefined) return downwardFiles(downwardAPI.items, pod, from);
  throw new TallshipError("not_supported", "project a token: pods have no identity of their own yet");
}

function safePath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (path.startsWith("/") || parts.length === 0 || parts.includes("..") || parts[0]?.startsWith("..") === true)
    throw new TallshipError("invalid_argument", `path ${path}: want a path below the volume`);
  return parts.join("/");
}
