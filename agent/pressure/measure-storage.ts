// Edge: measures folders with du, in processes of the launcher.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { everyContainer } from "../../kinds/pod-containers.js";
import { limit } from "../../lib/limits.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { RootFsDriver } from "../image/images.js";
import type { Launcher } from "../launcher/launcher.js";
import { shellWords } from "../launcher/shell-words.js";
import { parseContainerId } from "../runtime/runtime.js";
import { diskVolumes, type MeasureStorage, type PodStorage } from "./storage.js";

/** Where pods keep what they write. */
export interface StoragePlaces {
  readonly dataDir: string;
  readonly rootFs: Pick<RootFsDriver, "name" | "list">;
  readonly launcher: Pick<Launcher, "run">;
}

/** One folder, and whose it is. */
interface Folder {
  readonly path: string;
  readonly uid: string;
  readonly container?: string;
  readonly volume?: string;
}

/**
 * Measures by walking, at the least priority there is: project quotas, which would keep the sums by themselves, are not on every kernel. On btrfs the
 * roots are snapshots that share their image's blocks, so what is written over an image is not counted there.
 */
export function measureStorage(places: StoragePlaces): MeasureStorage {
  return async (pods, unit) => {
    const folders = foldersOf(pods, places.rootFs.name === "overlayfs" ? await places.rootFs.list() : []);
    const there = folders.filter(({ path }) => existsSync(join(places.dataDir, path)));
    const sizes = new Map<string, number>();
    for (let at = 0; at < there.length; at += limit("storagePathsPerJob")) {
      const paths = there.slice(at, at + limit("storagePathsPerJob")).map(({ path }) => path);
      for (const [path, size] of await measure(paths, unit, places)) sizes.set(path, size);
    }
    return sumByPod(pods, there, sizes);
  };
}

function foldersOf(pods: readonly Pod[], roots: readonly string[]): readonly Folder[] {
  const uids = new Set(pods.map(({ metadata }) => metadata?.uid ?? ""));
  const ofRoots = roots.flatMap((id): readonly Folder[] => {
    const run = parseContainerId(id);
    if (run === undefined || !uids.has(run.podUid)) return [];
    return [{ path: `rootfs/${id}/upper`, uid: run.podUid, container: run.container }];
  });
  const others = pods.flatMap((pod) => {
    const uid = pod.metadata?.uid ?? "";
    const logs = everyContainer(pod).map(({ name }) => ({ path: `logs/${uid}/${name}`, uid, container: name }));
    const volumes = diskVolumes(pod).map(({ name }) => ({ path: `pods/${uid}/volumes/${name}`, uid, volume: name }));
    return [...logs, ...volumes];
  });
  return [...ofRoots, ...others];
}

/** A folder that goes meanwhile is left out; what other file systems are mounted below is not this disk's. */
async function measure(
  paths: readonly string[],
  unit: "bytes" | "inodes",
  { dataDir, launcher }: StoragePlaces,
): Promise<ReadonlyMap<string, number>> {
  const count = unit === "inodes" ? ["--inodes"] : ["-B1"];
  const du = shellWords(["nice", "-n", "19", "du", "-sx", ...count, "--", ...paths]);
  const { output } = await launcher.run(`cd ${shellWords([dataDir])} && ${du} 2>/dev/null`);
  const lines = output.split("\n").flatMap((line) => {
    const [, size, path] = /^(\d+)\t(.+)$/.exec(line) ?? [];
    return size === undefined || path === undefined ? [] : [[path, Number(size)] as const];
  });
  return new Map(lines);
}

function sumByPod(
  pods: readonly Pod[],
  folders: readonly Folder[],
  sizes: ReadonlyMap<string, number>,
): ReadonlyMap<string, PodStorage> {
  const found = new Map(
    pods.map(({ metadata }) => [
      metadata?.uid ?? "",
      { byContainer: new Map<string, number>(), byVolume: new Map<string, number>() },
    ]),
  );
  for (const { path, uid, container, volume } of folders) {
    const storage = found.get(uid);
    const size = sizes.get(path) ?? 0;
    if (container !== undefined) addTo(storage?.byContainer, container, size);
    if (volume !== undefined) addTo(storage?.byVolume, volume, size);
  }
  return found;
}

function addTo(sums: Map<string, number> | undefined, name: string, size: number): void {
  sums?.set(name, (sums.get(name) ?? 0) + size);
}
