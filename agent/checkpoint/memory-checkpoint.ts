import type { Checkpoint, SavedPod } from "./checkpoint.js";

/** A checkpoint that outlives the agents of a simulated node. */
export function memoryCheckpoint(): Checkpoint {
  const pods = new Map<string, SavedPod>();
  return {
    load: async () => [...pods.values()],
    save: async (saved) => {
      pods.set(saved.record.uid, saved);
    },
    remove: async (uid) => {
      pods.delete(uid);
    },
  };
}
