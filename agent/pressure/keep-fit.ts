import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { ImageLibrary } from "../image/images.js";
import type { InUse } from "../image/unused-images.js";
import type { Runtime } from "../runtime/runtime.js";
import { podShares } from "./pod-shares.js";
import type { MeasureStorage } from "./storage.js";
import type { EvictionRules, Stocks } from "./thresholds.js";
import { type PressedNode, watchPressure } from "./watch-pressure.js";
import { type ProcessCount, watchProcesses } from "./watch-processes.js";
import { watchStorage } from "./watch-storage.js";

/** What keeping a node fit takes. */
export interface FitnessParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: EvictionRules;
  readonly stocks: () => Stocks;
  readonly measure: MeasureStorage;
  readonly stats: Runtime["stats"];
  /** How many processes a pod has, and may have. */
  readonly processesOf: (uid: string) => ProcessCount | undefined;
  readonly library: Pick<ImageLibrary, "dropUnused">;
  /** Removes logs of deleted pods that were kept long enough, or all of them. */
  readonly sweepLogs: (which: "old" | "all") => Promise<void>;
}

/** What a node gives whoever keeps it fit. */
export interface FitNode extends PressedNode {
  readonly inUse: () => InUse;
}

/**
 * Keeps a node from running out of memory, disk and process ids, at its pods' expense, and pods within their bounds on the disk, until the signal
 * aborts.
 */
export function keepFit(parts: FitnessParts): (node: FitNode, signal: AbortSignal) => Promise<void> {
  const { clock, log, rules, stocks, measure, stats, processesOf, library, sweepLogs } = parts;
  const sharesOf = podShares(stats, measure);
  return async (node, signal) => {
    const reclaim = async (): Promise<void> => {
      await sweepLogs("all");
      const freedBytes = await library.dropUnused({ all: true, names: [] }, node.inUse());
      log.info("unused images were dropped: the disk was too full", { freedBytes });
    };
    await Promise.all([
      watchPressure({ clock, log, rules, stocks, sharesOf, reclaim }, node, signal),
      watchStorage({ clock, log, measure }, node, signal),
      watchProcesses({ clock, log, processesOf }, node, signal),
      keepSwept(parts, signal),
    ]);
  };
}

async function keepSwept({ clock, log, sweepLogs }: FitnessParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sweepLogs("old").catch((error: unknown) =>
      log.warn("logs of deleted pods were not removed", { error: asTallshipError(error).message }),
    );
    await clock.sleep(limit("endedLogsSweepMs"), signal).catch(() => undefined);
  }
}
