import type { Fill } from "./fill.js";
import type { VolumePlan } from "./wanted-volume.js";

/** Files that all containers of a pod see in /etc, by name. */
export type PodFiles = Readonly<Record<"hosts" | "hostname" | "resolv.conf", string>>;

/** A place of the host that a container mounts. It stays what it is, whatever happens to its path, until it is released. */
export interface BindSource {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Edge: a pod's volumes and files on the host. Failures: disk_failed, kernel_failed, failed_precondition (a hostPath is not what was asked).
 */
export interface PodDisk {
  /** Makes everything; again is harmless and brings config files up to date at once. Returns the host path of each volume. */
  prepare(
    uid: string,
    want: { readonly plans: readonly VolumePlan[]; readonly files: PodFiles },
  ): Promise<ReadonlyMap<string, string>>;
  /** Brings volumes that were made before up to date, each at once as a whole; a volume that is mounted shows it. */
  refresh(uid: string, plans: readonly VolumePlan[]): Promise<void>;
  /** Where a pod's file is. */
  filePath(uid: string, name: keyof PodFiles): string;
  /**
   * A place below a volume, made when it is missing. Symbolic links are followed within the volume only: a path that leaves it is refused
   * with invalid_argument, also when somebody changes it meanwhile.
   */
  bindSource(volumePath: string, subPath: string): Promise<BindSource>;
  /** Copies what the image has in its place into a volume that is empty; other volumes than those that Tallship made of folders stay as they are. */
  fill(fill: Fill): Promise<void>;
  /** Pods that have anything here. */
  pods(): readonly string[];
  /** Removes all but the host's own paths and the folders that outlive the pod. */
  remove(uid: string): Promise<void>;
  /** Removes a folder that was made for a volume, with all that is in it; one that is not there is removed already. */
  removeLocal(path: string): Promise<void>;
}
