import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { isBounded, type MeasureStorage, storageVerdict } from "./storage.js";
import { activePods, type PressedNode } from "./watch-pressure.js";

/** What watching takes beside the node. */
export interface StorageWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly measure: MeasureStorage;
}

/**
 * Evicts pods that keep more on the disk than they may, until the signal aborts. Pods without bounds are not measured; the others as often as
 * measuring takes no more than its share of a core.
 */
export async function watchStorage(parts: StorageWatchParts, node: PressedNode, signal: AbortSignal): Promise<void> {
  const { clock, log } = parts;
  while (!signal.aborted) {
    const sinceMs = clock.monotonicMs();
    try {
      await lookAtStorage(parts, node);
    } catch (error) {
      log.warn("what pods keep on the disk could not be measured", { error: asTallshipError(error).message });
    }
    await clock.sleep(storagePauseMs(clock.monotonicMs() - sinceMs), signal).catch(() => undefined);
  }
}

/** Milliseconds until the next look after one that took so long. */
export function storagePauseMs(tookMs: number): number {
  const wanted = tookMs * (limit("storageLookShare") - 1);
  return Math.min(limit("storageLookMaxMs"), Math.max(limit("storageLookFirstMs"), wanted));
}

/** One look. */
export async function lookAtStorage({ log, measure }: StorageWatchParts, node: PressedNode): Promise<void> {
  const pods = activePods(node.pods()).filter(isBounded);
  if (pods.length === 0) return;
  const storage = await measure(pods, "bytes");
  for (const pod of pods) {
    const { uid, namespace, name } = pod.metadata ?? { uid: "", namespace: "", name: "" };
    const kept = storage.get(uid);
    const message = kept && storageVerdict(pod, kept);
    if (message === undefined) continue;
    node.evict(uid, { reason: "Evicted", message, isDisruption: false, graceMs: limit("evictionGraceMs") });
    node.notify({ pod, container: "", type: "Warning", reason: "Evicted", message });
    log.warn("pod evicted", { namespace, pod: name, message });
  }
}
