import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { ImageLibrary } from "./images.js";
import type { InUse } from "./unused-images.js";

/** How full a disk is. */
export interface DiskUse {
  readonly usedBytes: number;
  readonly totalBytes: number;
}

/** Bytes to free: none up to the high mark, beyond it down to the low one. Percent of the whole. */
export function bytesToFree(
  { usedBytes, totalBytes }: DiskUse,
  marks: { readonly high: number; readonly low: number },
): number {
  if (usedBytes * 100 <= totalBytes * marks.high) return 0;
  return Math.ceil(usedBytes - (totalBytes * marks.low) / 100);
}

/** What collecting takes. */
export interface CollectorParts {
  readonly library: Pick<ImageLibrary, "dropUnused">;
  /** Of the disk that holds the images. */
  readonly diskUse: () => DiskUse;
  readonly inUse: () => InUse;
  readonly clock: Clock;
  readonly log: Log;
}

/** Drops unused images, the longest unused first, while the disk is too full. Looks every minute until the signal aborts. */
export async function collectImages(parts: CollectorParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await parts.clock.sleep(limit("imageCollectEveryMs"), signal).catch(() => undefined);
    if (!signal.aborted) await collectOnce(parts);
  }
}

/** One look. What cannot be freed is told: the disk is full of something else. */
export async function collectOnce({ library, diskUse, inUse, log }: Omit<CollectorParts, "clock">): Promise<void> {
  const use = diskUse();
  const wanted = bytesToFree(use, { high: limit("imageCollectHighPercent"), low: limit("imageCollectLowPercent") });
  if (wanted === 0) return;
  try {
    const freed = await library.dropUnused({ all: false, names: [], bytes: wanted }, inUse());
    if (freed >= wanted) log.info("unused images were dropped: the disk was too full", { ...use, freed });
    else log.warn("the disk is too full, and too few images are unused", { ...use, wanted, freed });
  } catch (error) {
    log.warn("unused images could not be dropped", { error: asTallshipError(error).message });
  }
}
