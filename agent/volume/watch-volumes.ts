import type { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import { reportVolume } from "../session/report-volume.js";
import { type WatchParts, type WatchUpdate, watchObjects } from "../session/watch-objects.js";
import type { PodDisk } from "./pod-disk.js";
import { Reclaimer } from "./reclaimer.js";

/** What looking after the node's volumes needs. */
export interface VolumeWatchParts extends Pick<WatchParts, "book" | "clock" | "rng" | "log"> {
  readonly disk: PodDisk;
  readonly nodeName: string;
}

/** Ends what the node keeps of volumes that are over, until the signal aborts. */
export async function watchVolumes(parts: VolumeWatchParts, signal: AbortSignal): Promise<void> {
  const { book, clock, rng, log, disk, nodeName } = parts;
  const report = (volume: PersistentVolume): Promise<void> => reportVolume(book, volume);
  const reclaimer = new Reclaimer({ disk, report, clock, rng, log });
  const selections = [{ kind: "PersistentVolume", namespace: "", labels: "", fields: `spec.nodeName=${nodeName}` }];
  const onUpdate = (update: WatchUpdate): void => reclaimer.take(update);
  await Promise.all([watchObjects({ book, selections, onUpdate, clock, rng, log }, signal), reclaimer.run(signal)]);
}
