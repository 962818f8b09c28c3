import { type JsonObject, messageToJson } from "../../kinds/encode.js";
import { metaOf } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import { mapsIn } from "../change/pod-template.js";
import type { NamedContainer } from "../containers/identity.js";
import { usageError } from "../verb.js";

/** What a container has of others: their volumes at their places, and the node that they are on. */
export interface SharedVolumes {
  readonly volumes: readonly JsonObject[];
  readonly mounts: readonly JsonObject[];
  /** Undefined when nothing is shared. */
  readonly node: string | undefined;
}

/** Nothing of anybody. */
export const NO_SHARED: SharedVolumes = { volumes: [], mounts: [], node: undefined };

/** A container whose volumes are wanted, and whether they are only read. */
export interface VolumeSource {
  readonly word: string;
  readonly isReadOnly: boolean;
}

/** Reads `CONTAINER[:ro|:rw]`. Throws usage errors. */
export function readVolumeSource(text: string): VolumeSource {
  const [word = "", mode = "rw", ...more] = text.split(":");
  if (word === "" || !["ro", "rw"].includes(mode) || more.length > 0)
    throw usageError(`--volumes-from is CONTAINER[:ro], not "${text}"`);
  return { word, isReadOnly: mode === "ro" };
}

/**
 * The volumes of containers, for one that runs beside them. Those with a name and folders of the node are the same there; what belongs to one
 * container alone, a volume without a name, cannot be another's. Memory is no volume, as with docker. Throws failed_precondition.
 */
export function sharedVolumes(
  all: readonly { readonly found: NamedContainer; readonly isReadOnly: boolean }[],
): SharedVolumes {
  const parts = all.map(({ found, isReadOnly }, at) => partsOf(found, isReadOnly, at));
  const nodes = [...new Set(parts.map(({ node }) => node))];
  if (nodes.length > 1)
    throw new TallshipError("failed_precondition", `--volumes-from: the containers are on ${nodes.join(" and ")}`);
  const volumes = new Map(parts.flatMap((part) => part.volumes.map((volume) => [String(volume["name"]), volume])));
  const mounts = new Map(parts.flatMap((part) => part.mounts.map((mount) => [String(mount["mountPath"]), mount])));
  return { volumes: [...volumes.values()], mounts: [...mounts.values()], node: nodes[0] };
}

function partsOf({ pod, container }: NamedContainer, isReadOnly: boolean, at: number): Required<SharedVolumes> {
  const { name } = metaOf(pod);
  const node = pod.spec?.nodeName ?? "";
  if (node === "") throw new TallshipError("failed_precondition", `--volumes-from ${name}: it has no node yet`);
  const spec = messageToJson("PodSpec", pod.spec ?? {});
  const all = new Map(mapsIn(spec["volumes"]).map((volume) => [String(volume["name"]), volume]));
  const own = mapsIn(spec["containers"]).find((each) => each["name"] === container);
  const volumes = new Map<string, JsonObject>();
  const mounts = mapsIn(own?.["volumeMounts"]).flatMap((mount) => {
    const { name: called, emptyDir, ...source } = all.get(String(mount["name"])) ?? {};
    const place = [...all.keys()].indexOf(String(called));
    if (isMemory(emptyDir)) return [];
    if (emptyDir !== undefined)
      throw new TallshipError(
        "failed_precondition",
        `--volumes-from ${name}: ${String(mount["mountPath"])} is a volume without a name, which is of ${name} alone: run that with -v NAME:${String(mount["mountPath"])}`,
      );
    // Only a volume that is called as its claim is the same wherever it is called so: pods of a stateful set call different claims alike.
    const shared = claimIn(source) === called ? String(called) : `from-${at}-${place}`;
    volumes.set(shared, { name: shared, ...source });
    return [{ ...mount, name: shared, ...(isReadOnly ? { readOnly: true } : {}) }];
  });
  return { volumes: [...volumes.values()], mounts, node };
}

function claimIn({ persistentVolumeClaim: claim }: JsonObject): unknown {
  return typeof claim === "object" && claim !== null && "claimName" in claim ? claim.claimName : undefined;
}

function isMemory(emptyDir: unknown): boolean {
  return typeof emptyDir === "object" && emptyDir !== null && "medium" in emptyDir && emptyDir.medium === "Memory";
}
