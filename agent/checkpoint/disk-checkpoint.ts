// Edge: the checkpoint's folder.
import { mkdirSync } from "node:fs";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Checkpoint, SavedPod } from "./checkpoint.js";
import { Journal } from "./journal.js";
import { decodeSavedPod, encodeSavedPod } from "./saved-pod.js";
import type { Seal } from "./seal.js";

/** What the checkpoint needs. */
export interface DiskCheckpointOptions {
  readonly dataDir: string;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly log: Log;
}

/** History up to this size is left in the journal: leaving it out would cost more than it takes. */
const SMALL_BYTES = 1024 * 1024;

/**
 * All pods in one journal below `dataDir`/checkpoint. A write is a few kilobytes into the page cache, which is what the agent's death needs; the file is synced to disk a little
 * later, for all pods at once. Then history is left out too: when it is most of the file, and always when a pod has gone that had read secrets, since nothing of them may stay.
 */
export function openDiskCheckpoint({ dataDir, seal, clock, log }: DiskCheckpointOptions): Checkpoint {
  const folder = `${dataDir}/checkpoint`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const journal = new Journal(`${folder}/pods`);
  const withConfigs = new Set<string>();
  let isDirty = false;
  let holdsGone = false;

  const settle = async (): Promise<void> => {
    isDirty = false;
    const isStale = journal.staleBytes > Math.max(SMALL_BYTES, journal.usedBytes);
    if (!isStale && !holdsGone) return journal.sync();
    const heldGone = holdsGone;
    holdsGone = false;
    await journal.compact().catch((error: unknown) => {
      holdsGone ||= heldGone;
      throw error;
    });
  };
  const changed = (): void => {
    if (isDirty) return; // The first one has set the timer.
    isDirty = true;
    clock.after(limit("checkpointSyncMs"), () => {
      settle().catch((error: unknown) =>
        log.warn("checkpoint was not synced", { error: asTallshipError(error).message }),
      );
    });
  };
  const onDisk = (write: () => void): void => {
    try {
      write();
    } catch (cause) {
      throw asTallshipError(cause, "disk_failed");
    }
    changed();
  };

  return {
    load: async () => {
      const found = journal.keys.flatMap((uid) => readOne(journal, uid, { seal, log }) ?? []);
      for (const { record, configs } of found) if (configs !== undefined) withConfigs.add(record.uid);
      // What an agent that died meant to leave out, nobody knows any more. At once, lest an agent that dies soon does it when there is another.
      if (journal.staleBytes > 0)
        await journal.compact().catch((error: unknown) => {
          holdsGone = true;
          log.warn("checkpoint keeps its history", { error: asTallshipError(error).message });
        });
      return found;
    },
    save: async (saved) => {
      const { uid } = saved.record;
      if (saved.configs !== undefined) withConfigs.add(uid);
      onDisk(() => journal.write(uid, encodeSavedPod(saved, seal)));
    },
    remove: async (uid) => {
      holdsGone ||= withConfigs.delete(uid);
      onDisk(() => journal.remove(uid));
    },
  };
}

function readOne(
  journal: Journal,
  uid: string,
  edges: { readonly seal: Seal; readonly log: Log },
): SavedPod | undefined {
  try {
    return decodeSavedPod(journal.read(uid) ?? "", edges.seal);
  } catch (error) {
    edges.log.warn("damaged checkpoint of a pod left out", { pod: uid, error: asTallshipError(error).message });
    journal.remove(uid);
    return undefined;
  }
}
