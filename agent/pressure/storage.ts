import { everyContainer } from "../../kinds/pod-containers.js";
import { quantityBytes } from "../../lib/quantity.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** What a pod keeps on the node's disk, in bytes or inodes. */
export interface PodStorage {
  /** By container: what its runs wrote over their images, and their logs. */
  readonly byContainer: ReadonlyMap<string, number>;
  /** By volume: its emptyDirs that are on the disk. */
  readonly byVolume: ReadonlyMap<string, number>;
}

/** Edge: measures what pods keep on the disk, by pod uid. Takes long on a large tree, and never the agent's own time. */
export type MeasureStorage = (
  pods: readonly Pod[],
  unit: "bytes" | "inodes",
) => Promise<ReadonlyMap<string, PodStorage>>;

const RESOURCE = "ephemeral-storage";

/** All that a pod keeps. */
export function totalOf({ byContainer, byVolume }: PodStorage): number {
  return [...byContainer.values(), ...byVolume.values()].reduce((sum, one) => sum + one, 0);
}

/** True for a pod that has a bound on what it may keep: only those are measured while the disk has room. */
export function isBounded(pod: Pod): boolean {
  return everyContainer(pod).some((container) => limitOf(container) !== undefined) || sizedVolumes(pod).length > 0;
}

/** Why a pod has to go for what it keeps, in the words of Kubernetes; undefined while it is within its bounds. Pure. */
export function storageVerdict(pod: Pod, storage: PodStorage): string | undefined {
  return overVolume(pod, storage) ?? overPod(pod, storage) ?? overContainer(pod, storage);
}

function overVolume(pod: Pod, { byVolume }: PodStorage): string | undefined {
  const over = sizedVolumes(pod).find(({ name, sizeLimit }) => (byVolume.get(name) ?? 0) > quantityBytes(sizeLimit));
  return over && `Usage of EmptyDir volume "${over.name}" exceeds the limit "${over.sizeLimit}". `;
}

/** A pod is bounded as a whole only when each of its containers is. */
function overPod(pod: Pod, storage: PodStorage): string | undefined {
  const limits = (pod.spec?.containers ?? []).map(limitOf);
  if (limits.length === 0 || limits.some((text) => text === undefined)) return undefined;
  const most = limits.reduce((sum, text) => sum + quantityBytes(text ?? "0"), 0);
  if (totalOf(storage) <= most) return undefined;
  const text = limits.length === 1 ? limits[0] : `${most}`;
  return `Pod ephemeral local storage usage exceeds the total limit of containers ${text}. `;
}

function overContainer(pod: Pod, { byContainer }: PodStorage): string | undefined {
  const over = everyContainer(pod).find((container) => {
    const text = limitOf(container);
    return text !== undefined && (byContainer.get(container.name) ?? 0) > quantityBytes(text);
  });
  return over && `Container ${over.name} exceeded its local ephemeral storage limit "${limitOf(over)}". `;
}

function limitOf({ resources }: Container): string | undefined {
  return resources?.limits[RESOURCE];
}

function sizedVolumes(pod: Pod): readonly { readonly name: string; readonly sizeLimit: string }[] {
  return diskVolumes(pod).filter(({ sizeLimit }) => sizeLimit !== "");
}

/** The emptyDirs of a pod that are on the disk. Those in memory are bounded by the kernel and count as memory. */
export function diskVolumes(pod: Pod): readonly { readonly name: string; readonly sizeLimit: string }[] {
  return (pod.spec?.volumes ?? []).flatMap(({ name, emptyDir }) =>
    emptyDir === undefined || emptyDir.medium !== "" ? [] : [{ name, sizeLimit: emptyDir.sizeLimit }],
  );
}
