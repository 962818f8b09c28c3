import { metaOf } from "../../kinds/object.js";
import { DELETE_FAILED, FOLDER_REMOVED, isFolderToGo } from "../../kinds/storage.js";
import { backoffMs } from "../../lib/backoff.js";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import type { WatchUpdate } from "../session/watch-objects.js";
import type { PodDisk } from "./pod-disk.js";

/** What a reclaimer needs. */
export interface ReclaimerParts {
  readonly disk: Pick<PodDisk, "removeLocal">;
  /** Tells the control plane; rejects when it was not taken. */
  readonly report: (volume: PersistentVolume) => Promise<void>;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

const RETRY = { firstMs: 500, maxMs: 60_000 };

/**
 * Removes the folders of volumes that are over and whose class says Delete, one after the other, and says so. Level-triggered: what fails, or was not
 * told, is done again while the volume still says that its folder is to go. Nothing else is ever removed.
 */
export class Reclaimer {
  private readonly parts: ReclaimerParts;
  private readonly volumes = new Map<string, PersistentVolume>();
  private wake: (() => void) | undefined;

  constructor(parts: ReclaimerParts) {
    this.parts = parts;
  }

  /** Takes what a watch of this node's volumes tells. */
  take({ changes, isWhole }: WatchUpdate): void {
    if (isWhole) this.volumes.clear();
    for (const { key, typed } of changes) {
      if (typed?.kind === "PersistentVolume") this.volumes.set(key, typed.object);
      else this.volumes.delete(key);
    }
    this.wake?.();
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, rng } = this.parts;
    signal.addEventListener("abort", () => this.wake?.(), { once: true });
    let attempt = 0;
    while (!signal.aborted) {
      await this.news(signal);
      let isFine = true;
      for (const volume of this.toGo()) isFine = !signal.aborted && (await this.reclaim(volume)) && isFine;
      attempt = isFine ? 0 : attempt + 1;
      if (!isFine) await clock.sleep(backoffMs(RETRY, attempt - 1, rng), signal).catch(() => undefined);
    }
  }

  private toGo(): readonly PersistentVolume[] {
    return [...this.volumes.values()].filter(isFolderToGo);
  }

  private news(signal: AbortSignal): Promise<void> {
    if (this.toGo().length > 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = undefined;
        resolve();
      };
    });
  }

  /** True when the folder is gone and the control plane knows. Never rejects. */
  private async reclaim(volume: PersistentVolume): Promise<boolean> {
    const { disk, report, log } = this.parts;
    const { name } = metaOf(volume);
    try {
      await disk.removeLocal(volume.spec?.local?.path ?? "");
      const told = withReason(volume, FOLDER_REMOVED, "");
      await report(told);
      this.volumes.set(`PersistentVolume//${name}`, told);
      log.info("folder of a volume removed", { volume: name });
      return true;
    } catch (caught) {
      const { code, message } = asTallshipError(caught);
      log.warn("folder of a volume was not removed", { volume: name, code, error: message });
      if (code !== "unavailable") await report(withReason(volume, DELETE_FAILED, message)).catch(() => undefined);
      return false;
    }
  }
}

function withReason(volume: PersistentVolume, reason: string, message: string): PersistentVolume {
  const status = { phase: "Released", lastPhaseTransitionTime: "", ...volume.status, reason, message };
  return PersistentVolume.fromPartial({ ...volume, status });
}
