// Edge: the checkpoint's files.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Checkpoint, SavedPod } from "./checkpoint.js";
import { decodeSavedPod, encodeSavedPod } from "./saved-pod.js";
import type { Seal } from "./seal.js";

/** What the checkpoint needs. */
export interface DiskCheckpointOptions {
  readonly dataDir: string;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * One file per pod below `dataDir`/checkpoint, replaced by rename. A write is a few kilobytes into the page cache (0.1 ms), which is what
 * the agent's death needs; files are synced to disk together a little later, so that a hundred starts do not wait for a hundred syncs. The loop does not wait for
 * the rename: ext4 writes out what replaces another file, 5 ms each on a busy disk, and where a hundred pods had their turns in a row that was half a second.
 */
export function openDiskCheckpoint({ dataDir, seal, clock, log }: DiskCheckpointOptions): Checkpoint {
  const folder = `${dataDir}/checkpoint`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const unsynced = new Set<string>();

  const syncAll = async (): Promise<void> => {
    const paths = [...unsynced];
    unsynced.clear();
    for (const path of paths) await syncFile(path);
    await syncFile(folder);
  };
  const changed = (path: string): void => {
    unsynced.add(path);
    if (unsynced.size > 1) return; // The first one has set the timer.
    clock.after(limit("checkpointSyncMs"), () => {
      syncAll().catch((error: unknown) =>
        log.warn("checkpoint was not synced", { error: asTallshipError(error).message }),
      );
    });
  };

  return {
    load: async () => readdirSync(folder).flatMap((name) => readOne(`${folder}/${name}`, seal, log)),
    save: async (saved) => {
      const path = `${folder}/${saved.record.uid}`;
      try {
        writeFileSync(`${path}.tmp`, encodeSavedPod(saved, seal), { mode: 0o600 });
        await rename(`${path}.tmp`, path);
      } catch (cause) {
        throw asTallshipError(cause, "disk_failed");
      }
      changed(path);
    },
    remove: async (uid) => {
      await rm(`${folder}/${uid}`, { force: true });
      unsynced.delete(`${folder}/${uid}`);
    },
  };
}

function readOne(path: string, seal: Seal, log: Log): readonly SavedPod[] {
  if (path.endsWith(".tmp")) {
    rmSync(path, { force: true });
    return [];
  }
  try {
    return [decodeSavedPod(readFileSync(path, "utf8"), seal)];
  } catch (error) {
    log.warn("damaged checkpoint of a pod left out", { path, error: asTallshipError(error).message });
    return [];
  }
}

async function syncFile(path: string): Promise<void> {
  try {
    const file = await open(path, "r");
    await file.sync().finally(() => file.close());
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return; // The pod has gone meanwhile.
    throw error;
  }
}
